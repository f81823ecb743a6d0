"""What is wrong with a dataset's own Python."""


class DatasetError(Exception):
    """A dataset's module, or a function that it should have, is not there, or does not do what it should."""


class HookError(DatasetError):
    """A function of a dataset raised something."""


class QuestionError(DatasetError):
    """A question cannot be turned into a row of the plan: what it lacks is said."""
