"""What a person is told when a run cannot start or go on."""


class RunError(Exception):
    """The run failed; the message says what to do."""


class RunInputError(RunError):
    """Something given to the run cannot be used; nothing was started."""
