"""How often Core is tried again: at random moments, soon, and for ever."""

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from ..clock import Clock
from .errors import CoreError

# Core must have all states within ten seconds of answering, so no wait may come near that.
_LONGEST_WAIT = 5


def retrying(kind: type[CoreError], clock: Clock) -> AsyncRetrying:
    """Make the attempts; one that raises this kind of error is followed by another."""
    return AsyncRetrying(
        retry=retry_if_exception_type(kind),
        wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT),
        sleep=clock.sleep,
    )
