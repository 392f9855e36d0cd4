"""Makes what is ours in the cloud, and brings back what had to make way."""

from datetime import datetime, timedelta
from itertools import count

from msgspec import structs

from ..clock import Clock
from ..cloud import CloudError, OutcomeUnknownError
from ..inverters.registry import Registry
from .book import Own
from .command import Command
from .outcomes import Outcomes
from .remote import Remote


class Maker:
    """Plans and creates; what is planned is in the book before it is created."""

    def __init__(
        self, remote: Remote, outcomes: Outcomes, registry: Registry, clock: Clock
    ) -> None:
        self.remote = remote
        self._outcomes = outcomes
        self._book = outcomes.book
        self._registry = registry
        self._clock = clock

    def plan(self, command: Command, end: datetime, serial: str) -> Own:
        """Return what a command wants, with a key if it is an envelope."""
        start = command.start.replace(microsecond=0)
        site = self._registry.details(serial).site_id or ""
        is_limit = command.mode is None
        # Later than all others, whatever the wall clock does.
        after = [one.created + timedelta.resolution for one in self._book.own]
        now = max([self._clock.now(), *after])
        return Own(
            serial=serial,
            action=command.action,
            power=command.power,
            limits=dict(command.limits),
            start=start,
            end=end.replace(microsecond=0),
            created=now,
            key=self._event_id(serial, start, now) if is_limit else "",
            site_id=site if is_limit else "",
            id=command.id,
            by=command.by,
        )

    def _event_id(self, serial: str, start: datetime, created: datetime) -> str:
        """Return one that no envelope of ours has: all with the same are deleted at once."""
        base = f"ha-{serial[:80]}-{start:%Y%m%dT%H%M%SZ}-{created:%H%M%S}"
        taken = {one.key for one in self._book.own}
        more = (f"{base}-{number}" for number in count(2))
        return base if base not in taken else next(one for one in more if one not in taken)

    async def create(self, new: Own, until: float) -> str:
        """Create it before a moment, in monotonic seconds, and before its end; return its key.

        Raises a CloudError if that fails.
        """
        left = (new.end - self._clock.now()).total_seconds()
        until = min(until, self._clock.monotonic() + left)
        known = {one.key for one in self._book.own if one.key}
        return await self.remote.create(new, until, known)

    async def restore(self, old: Own, until: float) -> None:
        """Create what was deleted again, for the rest of its time, unless it was over before."""
        now = self._clock.now()
        start = max(old.start, now.replace(microsecond=0))
        key = self._event_id(old.serial, start, now) if old.site_id else ""
        again = structs.replace(
            old, start=start, created=now, key=key, is_made=False, was_made=True
        )
        if not self._outcomes.is_ours(old):
            return
        if old.is_missing or old.end <= now:
            self._outcomes.over(old, None)
            return
        self._book.change((old,), (again,))
        try:
            made = await self.create(again, until)
        except OutcomeUnknownError:
            return  # the list will say
        except CloudError:
            self._outcomes.over(again, "Replaced by a later command, which failed.")
        else:
            self._book.change((again,), (structs.replace(again, key=made, is_made=True),))
