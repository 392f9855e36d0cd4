"""How the stand-in Core says no to a WebSocket command."""

from __future__ import annotations


class CommandError(Exception):
    """A command that failed, with the code and the sentence that go back to who sent it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid_format(message: str) -> CommandError:
    """The error for a message that does not fit the command's schema."""
    return CommandError("invalid_format", message)


def home_assistant_error(message: str) -> CommandError:
    """The error for a message that fits, and asks for what Core does not do."""
    return CommandError("home_assistant_error", message)
