"""Errors of calls to Core, by what can be done about them."""

from typing import Self


class CoreError(Exception):
    """A call to Core did not succeed.

    Attributes:
        method: of the request; COMMAND for one over the WebSocket.
        path: below the Supervisor's address, or the command's type; it holds no secret.
        status: of the answer, or None where there was none.
        code: why a command was refused, in Core's word or our own, such as not_found.
    """

    def __init__(
        self, method: str, path: str, status: int | None, detail: str, *, code: str | None = None
    ) -> None:
        answer = code or ("no answer" if status is None else f"status {status}")
        super().__init__(f"{method} {path}: {answer}: {detail}")
        self.method = method
        self.path = path
        self.status = status
        self.detail = detail
        self.code = code

    @classmethod
    def of_command(cls, command_type: object, detail: str, code: str | None = None) -> Self:
        """Return the error of a command over the WebSocket."""
        return cls("COMMAND", str(command_type), None, detail, code=code)


class CoreAwayError(CoreError):
    """Core is stopped, starting, out of reach or locked: the same call may work later."""


class CoreSilentError(CoreAwayError):
    """Core did not answer in time: it may have carried this out, or may do so later."""


class CoreRefusedError(CoreError):
    """Core rejects this call, and would reject it later too."""


class BrokerAwayError(CoreAwayError):
    """The MQTT broker cannot be reached, or is lost: the same message may be accepted later."""


class BrokerRefusedError(BrokerAwayError):
    """The MQTT broker rejects the credentials, until somebody corrects them."""


class BrokerUntrustedError(BrokerAwayError):
    """The MQTT broker's certificate is not trusted, until somebody replaces or allows it."""


class BrokerMissingError(BrokerAwayError):
    """There is no MQTT broker, until somebody installs or starts one."""
