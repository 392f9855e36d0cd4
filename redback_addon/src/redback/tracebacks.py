"""Drops the tracebacks of errors that are stored."""

from typing import TypeVar

_E = TypeVar("_E", bound=BaseException)


def without_traceback(error: _E) -> _E:
    """Drop the tracebacks of a caught error and of those that led to it, and return it.

    A frame that keeps an error is itself kept by the error's traceback: a cycle of references,
    which Python may not collect for hours. For errors that are stored as an outcome.
    """
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__context__
    return error
