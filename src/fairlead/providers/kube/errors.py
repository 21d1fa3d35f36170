"""What can go wrong between us and an API server."""


class ConfigError(Exception):
    """No cluster can be reached with what is configured; says what to do about it."""


class ApiError(Exception):
    """The API server answered that it will not.

    Attributes:
        code: HTTP status; 0 if there was no answer.
        reason: `Status.reason`, such as `NotFound`, `Conflict` or `Forbidden`; may be empty.
        message: in the server's words.
        retry_after: seconds it asks to wait before another try, None if it does not say.
    """

    def __init__(
        self, code: int, reason: str, message: str, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.message} ({self.code} {self.reason})" if self.code else self.message


class UnreachableError(ApiError):
    """There was no answer, or it broke off: refused, timed out, cut short, not trusted."""

    def __init__(self, message: str) -> None:
        super().__init__(0, "Unreachable", message)
