"""What can go wrong with Core, by what can be done about it."""


class CoreError(Exception):
    """A call to Core did not succeed.

    Attributes:
        method: of the request.
        path: below the Supervisor's address; it holds no secret.
        status: of the answer, or None where there was none.
        detail: a few words.
    """

    def __init__(self, method: str, path: str, status: int | None, detail: str) -> None:
        answer = "no answer" if status is None else f"status {status}"
        super().__init__(f"{method} {path}: {answer}: {detail}")
        self.method = method
        self.path = path
        self.status = status
        self.detail = detail


class CoreAwayError(CoreError):
    """Core is stopped, starting, out of reach or locked: the same call may work later."""


class CoreRefusedError(CoreError):
    """Core answered that it does not want this: the same call will not work later either."""
