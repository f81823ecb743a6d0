"""What can go wrong with the offline model, in words for people."""


class OfflineModelError(Exception):
    """A bad option, a port that cannot be had, or a child process that did not start."""


class PromptError(OfflineModelError):
    """A request that is no chat request, or a task whose prompt lacks what an answer needs."""
