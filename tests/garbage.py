"""What is left to Python's garbage collector, which lets it stand for hours."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected() -> Iterator[set[str]]:
    """Return, at the end, the names of the types of what only the collector could free."""
    kinds: set[str] = set()
    _wait_for_threads()
    gc.collect()
    gc.disable()
    try:
        yield kinds
        _wait_for_threads()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds.update(type(one).__name__ for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def _wait_for_threads() -> None:
    """Wait until the service's threads have ended: until then they hold what they worked on.

    On a busy machine one may end after its answer has been used, even in the next test.
    """
    for thread in threading.enumerate():
        if thread.name == "redback":
            thread.join(5)
