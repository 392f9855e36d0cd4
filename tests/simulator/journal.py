"""A journal of the requests that arrived: when, what, and how they were answered."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request; the path is without its query, the status None if the line was cut."""

    time: float
    method: str
    path: str
    status: int | None


class Journal:
    """The latest requests, and counts of all since the last `clear`.

    Attributes:
        of_all: every request ever for the schedules or envelopes of all inverters.
    """

    def __init__(self) -> None:
        self.of_all: list[Entry] = []
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()

    @property
    def entries(self) -> Sequence[Entry]:
        """The latest requests, oldest first."""
        return tuple(self._entries)

    @property
    def statuses(self) -> Mapping[str, int]:
        """How many requests were answered with each status ("None": the line was cut)."""
        return self._statuses

    def add(self, entry: Entry) -> None:
        """Write a request down."""
        self._entries.append(entry)
        if entry.path.endswith("/All"):
            self.of_all.append(entry)
        self._counts[entry.path] += 1
        self._statuses[str(entry.status)] += 1

    def count(self, part: str = "") -> int:
        """Return how many requests had `part` in their path."""
        return sum(number for path, number in self._counts.items() if part in path)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._counts.clear()
        self._statuses.clear()
