"""Small files in the data folder that survive a power cut, and an unwritable disk."""

import contextlib
import logging
import os
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


class JsonFile(Generic[_T]):
    """A file of one value, for one thread at a time; `loss` ends a sentence about its loss.

    Attributes:
        is_failing: whether the last value could not be written.
    """

    def __init__(self, path: Path, kind: type[_T], loss: str) -> None:
        self._path = path
        self._kind = kind
        self._loss = loss
        self.is_failing = False

    def load(self) -> _T | None:
        """Read the value; None where there is none. A damaged file is set aside."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=self._kind)
        except FileNotFoundError:
            return None
        except OSError as error:
            _LOG.warning("%s cannot be read (%s).", self._path, error.strerror)
            return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            damaged = self._path.with_suffix(".damaged")
            _LOG.warning(
                "%s is damaged: it is set aside as %s; %s.", self._path, damaged.name, self._loss
            )
            with contextlib.suppress(OSError):
                self._path.replace(damaged)
            return None

    def save(self, value: _T) -> None:
        """Write the value; log the first failure, and when it works again."""
        try:
            _replace(self._path, msgspec.json.format(msgspec.json.encode(value)))
        except OSError as error:
            if not self.is_failing:
                _LOG.warning(
                    "%s cannot be written (%s): %s.", self._path, error.strerror, self._loss
                )
            self.is_failing = True
        else:
            if self.is_failing:
                _LOG.info("%s can be written again.", self._path)
            self.is_failing = False


def _replace(path: Path, content: bytes) -> None:
    """Replace the file atomically, so that a power cut leaves the old or the new one."""
    # Always the same name, so that kills in between leave at most one such file.
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
