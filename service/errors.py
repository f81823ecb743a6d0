"""What a request to the service can be told."""


class ServiceError(Exception):
    """A request that is refused, with the status that says why."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
