"""What surrounds the parts of an account, for tests that are about something else."""

from typing import Any

import msgspec

from fake_clock import FakeClock, at_once
from redback.polling.throttle import Runner, Throttle
from redback.saved_state import Saved, SavedState


class Unwatched:
    """Takes in nothing of the credentials."""

    def credentials_refused(self) -> None:
        pass

    def credentials_accepted(self) -> None:
        pass


def throttle(clock: FakeClock, runner: Runner = at_once) -> Throttle:
    """Make one that runs its questions without threads."""
    return Throttle(clock, Unwatched(), runner)


class Unsaved(SavedState):
    """Has no file."""

    def __init__(self) -> None:
        self.saved = Saved()

    def save(self, **changes: Any) -> None:  # noqa: ANN401 - as the original
        self.saved = msgspec.structs.replace(self.saved, **changes)
