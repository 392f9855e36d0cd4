"""What an error's traceback keeps alive."""

from typing import TypeVar

_E = TypeVar("_E", bound=BaseException)


def without_traceback(error: _E) -> _E:
    """Drop the tracebacks of a caught error and of those that led to it, and return it.

    An error is kept by a frame, in a name or in a list, while its traceback keeps that frame, or
    one that was called from there: a cycle of references, which Python's collector may leave for
    hours. For errors that are kept as an outcome, and of which the text says all.
    """
    led: BaseException | None = error
    while led is not None:
        led.__traceback__ = None
        led = led.__context__
    return error
