"""The progress of the backfill, for the panel and for an hourly line in the log."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# The rate is that of the last minutes, since the cloud's speed varies.
_RECENT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing is filled at the moment, as a clause, and until when at least, UTC.

    `may_retry` is whether it makes sense to try again at once.
    """

    why: str
    until: datetime | None = None
    may_retry: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Hours of all inverters together.

    Attributes:
        is_known: whether anybody has looked yet what is missing.
        found: hours to fill, since there last was nothing to do.
        done: of these, filled, or no longer in the cloud.
        left: still to be filled.
        fetched: of those left, the ones that only have to be written.
        rate: hours per minute recently; None = nothing was done.
        ends_at: when it will be done at that rate, UTC.
        rejections: one sentence for each thing that could not be filled, the newest last.
        hold: what filling waits for; None = for nothing.
    """

    is_known: bool = False
    found: int = 0
    done: int = 0
    left: int = 0
    fetched: int = 0
    rate: float | None = None
    ends_at: datetime | None = None
    rejections: tuple[str, ...] = ()
    hold: Hold | None = None


@dataclass(slots=True)
class Counting:
    """Counts while the history is filled."""

    done: int = 0
    left: int = 0
    fetched: int = 0
    is_known: bool = False
    hold: Hold | None = None
    rejections: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    _recent: deque[tuple[datetime, int]] = field(default_factory=deque)

    def begin(self, left: int, fetched: int) -> None:
        """Set how much there is to do, and of it only to write.

        After a time with nothing to do, counting restarts.
        """
        if self.left == 0 and left > 0:
            self.done = 0
            self._recent.clear()
        self.left, self.fetched = left, fetched
        self.is_known = True

    def filled(self, hours: int, now: datetime) -> None:
        """Count hours that have been filled, as far as possible."""
        self.done += hours
        self.left = max(self.left - hours, 0)
        self.fetched = max(self.fetched - hours, 0)
        self._recent.append((now, hours))

    def reject(self, sentence: str) -> bool:
        """Note what could not be filled; return whether that is new."""
        if sentence in self.rejections:
            return False
        self.rejections.append(sentence)
        return True

    def progress(self, now: datetime) -> Progress:
        """Return the progress so far."""
        while self._recent and self._recent[0][0] < now - _RECENT:
            self._recent.popleft()
        rate = None
        if self._recent:
            minutes = max((now - self._recent[0][0]) / timedelta(minutes=1), 1.0)
            rate = sum(hours for _, hours in self._recent) / minutes
        return Progress(
            is_known=self.is_known,
            found=self.done + self.left,
            done=self.done,
            left=self.left,
            fetched=self.fetched,
            rate=rate,
            ends_at=now + timedelta(minutes=self.left / rate) if rate and self.left else None,
            rejections=tuple(self.rejections),
            hold=self.hold if self.left else None,
        )


def together(each: Sequence[Progress]) -> Progress:
    """Return the progress of several backfills; they are held only where none can go on."""
    busy = [one for one in each if one.left]
    holds = [one.hold for one in busy if one.hold is not None]
    rates = [one.rate for one in each if one.rate is not None]
    ends = [one.ends_at for one in busy if one.ends_at is not None]
    rejections = (sentence for one in each for sentence in one.rejections)
    return Progress(
        is_known=any(one.is_known for one in each),
        found=sum(one.found for one in each),
        done=sum(one.done for one in each),
        left=sum(one.left for one in each),
        fetched=sum(one.fetched for one in each),
        rate=sum(rates) if rates else None,
        ends_at=max(ends) if busy and len(ends) == len(busy) else None,
        rejections=tuple(dict.fromkeys(rejections)),
        hold=holds[0] if busy and len(holds) == len(busy) else None,
    )
