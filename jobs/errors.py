"""What ends a job, or keeps a request from being sent."""


class BackendError(Exception):
    """A job could not be run: its models cannot be reached, refuse the key, or all of its rows were lost."""


class NotSentError(Exception):
    """A request was held back at the last moment: nothing was sent, and nothing is to be counted."""
