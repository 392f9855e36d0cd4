"""A journal of the requests that arrived: when, what, and how they were answered."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .times import iso

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request; the path is without its query, the status None if the line was cut."""

    time: float
    method: str
    path: str
    status: int | None


class Journal:
    """The latest requests, and counts of all since the last `clear`."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()

    @property
    def entries(self) -> Sequence[Entry]:
        """The latest requests, oldest first."""
        return tuple(self._entries)

    def add(self, entry: Entry) -> None:
        """Write a request down."""
        self._entries.append(entry)
        self._counts[f"{entry.method} {entry.path}"] += 1
        self._statuses[str(entry.status)] += 1

    def count(self, part: str = "", method: str | None = None) -> int:
        """Return how many requests had `part` in their path."""
        return sum(
            number
            for key, number in self._counts.items()
            if part in key.partition(" ")[2] and method in {None, key.partition(" ")[0]}
        )

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._counts.clear()
        self._statuses.clear()

    def as_json(self) -> dict[str, Any]:
        """Return the journal as `/_simulator/requests` shows it.

        A request's `time` is for people; `at` is the same in seconds since 1970, and exact.
        """
        return {
            "total": sum(self._counts.values()),
            "counts": dict(self._counts),
            "statuses": dict(self._statuses),
            "requests": [
                {**asdict(entry), "time": iso(entry.time), "at": entry.time}
                for entry in self._entries
            ],
        }
