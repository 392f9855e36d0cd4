"""Decides which entities are ours to write: none that somebody else owns, or writes too."""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ..clock import Clock, wait
from ..core import (
    CoreAwayError,
    CoreRefusedError,
    HomeAssistant,
    Message,
    Registered,
    Series,
)
from ..problems import Kind, Problems
from .entity_ids import EntityIds, Inverter, series

_LOG = logging.getLogger(__name__)

_EVERY_SECONDS = 60 * 60.0
_RETRY_SECONDS = 5.0
# The statistics of many inverters are written one after the other.
_RECENT_SECONDS = 60.0
# A counter of solar energy stands still all night.
_SILENT_SECONDS = 24 * 60 * 60.0
_MOST_NAMED = 5


class Ownership:
    """Asks Core whose an entity is: before its first push, and again after each new connection.

    What an integration has registered is its own until it is deleted, renamed or disabled. What
    somebody writes without that is theirs until the state is removed, which a restart of Core does
    too, or until they have written nothing for a day.

    Our own entities may be registered too, over MQTT. As long as they are, nothing is pushed over
    them: Core would not set them up again after its next restart.

    Args:
        home_assistant: has the registry, and tells who writes what.
        ids: knows which of our entities are registered.
        clock: the time.
        problems: get what is not ours.
        freed: called with the entities that may be written from now on.
        registers: whether entities are to be registered, so that an id must be free in the registry
            too: a disabled entity keeps its id there.

    Attributes:
        pushed: the entities whose states we have written over REST.
        registered: those of ours that are registered.
    """

    def __init__(
        self,
        home_assistant: HomeAssistant,
        ids: EntityIds,
        clock: Clock,
        problems: Problems,
        freed: Callable[[Collection[str]], None],
        *,
        registers: bool = False,
    ) -> None:
        self._entities = home_assistant.entities
        self._websocket = home_assistant.websocket
        self._ids = ids
        self._clock = clock
        self._problems = problems
        self._freed = freed
        self._registers = registers
        self.pushed: set[str] = set()
        self.registered: set[str] = set()
        # By entity id, whether it has had a value: those of a former name have none.
        self._claims: dict[str, bool] = {}
        self._unchecked: set[str] = set()
        self._known: set[str] = set()
        self._allowed: set[str] = set()
        self._owners: dict[str, str] = {}
        # When (monotonic seconds) others wrote last.
        self._written: dict[str, float] = {}
        self._unrecorded: frozenset[str] = frozenset()
        # When (monotonic seconds) that was found; None = not since the entities were checked.
        self._looked_at: float | None = None
        # By which connections, as their `up_since`; nothing is pushed before the check.
        self._watched_since: float | None = None
        self._checked_since: float | None = None
        self._watched: set[str] = set()
        self._due = asyncio.Event()
        self._checked = asyncio.Event()
        self._websocket.subscribe("entity_registry_updated", self._registry_updated)

    def claim(self, entity_id: str, *, has_value: bool) -> bool:
        """Return whether an entity may be written; a new one may not until it is checked."""
        before = self._claims.get(entity_id)
        if before is None:
            self._check_again({entity_id})
        if before is None or has_value > before:
            self._claims[entity_id] = has_value
            if self.is_taken(entity_id):
                self._report()
        return entity_id in self._allowed

    def give_up(self, entity_ids: Collection[str]) -> None:
        """Forget entities that are not wanted any more: whoever has them is welcome to them."""
        for one in entity_ids:
            self._claims.pop(one, None)
            self._owners.pop(one, None)
            self._written.pop(one, None)
        for known in (
            *(self.pushed, self.registered, self._unchecked, self._known),
            *(self._allowed, self._watched),
        ):
            known.difference_update(entity_ids)
        self._report()

    def is_taken(self, entity_id: str) -> bool:
        """Whether somebody else is known to have an entity."""
        return entity_id in self._owners or entity_id in self._written

    def why_not(self, entity_id: str) -> str | None:
        """Return in a clause why an entity is not written, or has no history; None = it has."""
        if (owner := self._owners.get(entity_id)) is not None:
            return f"the integration {owner} has {entity_id}"
        if entity_id in self._written:
            return f"something else writes {entity_id}"
        if entity_id in self._unrecorded:
            return f"Home Assistant does not record {entity_id}"
        return None

    def has_unchecked(self, entity_ids: Iterable[str]) -> bool:
        """Whether any of these was never checked."""
        return not self._known.issuperset(entity_ids)

    @property
    def unchecked(self) -> Collection[str]:
        """The entities that were never checked."""
        return self._claims.keys() - self._known

    def ids(self, inverter: Inverter) -> dict[str, str]:
        """Return the ids of an inverter's sensors that exist so far, by key."""
        return self._ids.ids(inverter)

    @property
    def registered_ids(self) -> frozenset[str]:
        """The ids of our entities that are in Core's registry."""
        return self._ids.registered_ids

    def series(self, inverter: Inverter) -> dict[str, Series]:
        """Return the statistics that Core makes of an inverter's sensors, by key."""
        return series(inverter, self._ids.ids(inverter))

    async def importable(self, series: Mapping[str, Series]) -> dict[str, Series]:
        """Return the statistics that may be written: ours, of what the recorder records.

        Raises:
            CoreAwayError: Core cannot be asked.
        """
        looked_at = self._looked_at
        if looked_at is None or self._clock.monotonic() - looked_at >= _RECENT_SECONDS:
            await self._look_at_recorder()
        return {
            key: one
            for key, one in series.items()
            if not self.is_taken(one.entity_id) and one.entity_id not in self._unrecorded
        }

    def recheck(self) -> None:
        """Check everything again before anything else is pushed: Core may have restarted."""
        self._checked_since = None
        self._check_again(self._claims)

    async def ready(self) -> None:
        """Wait until Core is connected, and everything was checked since."""
        while self._checked_since is None or self._checked_since != self._websocket.up_since:
            self._checked.clear()
            await self._checked.wait()

    async def run(self) -> None:
        """Check what is due, and hourly what tells nothing by itself, until cancelled."""
        seconds = _EVERY_SECONDS
        while True:
            await wait(self._clock, seconds, self._due)
            is_hourly = not self._due.is_set()
            self._due.clear()
            try:
                if self._unchecked or self._checked_since is None:
                    await self._check()
                else:
                    self._update()
                    if is_hourly and self._websocket.up_since is not None:
                        await self._look_at_recorder()
                seconds = _EVERY_SECONDS
            except CoreAwayError as error:
                _LOG.debug("%s", error)
                seconds = _RETRY_SECONDS

    def written_by_others(self, entity_id: str) -> None:
        """Note that somebody else has written an entity: from now on it is theirs."""
        self.pushed.discard(entity_id)
        if entity_id not in self._claims or entity_id in self.registered:
            return  # given up, or Core itself has written it, with what we published
        if entity_id not in self._written:
            self._allowed.discard(entity_id)
            self._due.set()
        self._written[entity_id] = self._clock.monotonic()

    def written_by_us(self, entity_id: str) -> None:
        """Note that its state is one that we pushed."""
        if entity_id in self._claims:
            self.pushed.add(entity_id)

    def removed(self, entity_id: str) -> None:
        """Note that an entity has no state any more: whoever wrote it is gone.

        An integration that is deleted takes the state along, even if it is ours by then.
        """
        self._written.pop(entity_id, None)
        self.pushed.discard(entity_id)
        self._allowed.discard(entity_id)
        self._due.set()

    def _registry_updated(self, event: Message) -> None:
        data = event["data"]
        self._check_again({data.get("entity_id"), data.get("old_entity_id")} & self._claims.keys())

    def _check_again(self, entity_ids: Iterable[str]) -> None:
        self._looked_at = None
        self._unchecked.update(entity_ids)
        if self._unchecked or self._checked_since is None:
            self._due.set()

    async def _check(self) -> None:
        """Ask who has the unchecked entities; what is claimed meanwhile is due again."""
        since = self._websocket.up_since
        if since is None:
            return  # the next connection makes it due
        if since != self._watched_since:
            self._watched_since = since
            self._watched.clear()
            self._written.clear()
            self.pushed.clear()
        entity_ids, self._unchecked = self._unchecked, set()
        try:
            entries = await self._ask(entity_ids)
        except CoreAwayError:
            self._unchecked |= entity_ids & self._claims.keys()
            raise
        # Some may have been given up meanwhile.
        gone = entity_ids.difference(self._claims)
        entity_ids -= gone
        self._watched -= gone
        entries = {one: entry for one, entry in entries.items() if one in entity_ids}
        ours = {one for one, entry in entries.items() if self._ids.is_ours(entry)}
        self.registered = (self.registered - entity_ids) | ours
        for entity_id in ours:
            self._written.pop(entity_id, None)
        kept = {one: owner for one, owner in self._owners.items() if one not in entity_ids}
        # A disabled entity is not written by its integration.
        self._owners = kept | {
            one: entry.platform
            for one, entry in entries.items()
            if one not in ours and (self._registers or not entry.is_disabled)
        }
        self._known |= entity_ids
        if not self._due.is_set():
            self._checked_since = since
        self._update()
        self._checked.set()

    async def _ask(self, entity_ids: set[str]) -> dict[str, Registered]:
        """Watch who writes these from now on, and return those that are registered."""
        try:
            if unwatched := entity_ids - self._watched:
                await self._entities.watch(unwatched, self)
                self._watched |= unwatched
            return await self._entities.entries(entity_ids) if entity_ids else {}
        except CoreRefusedError as error:
            _LOG.warning("It is unknown whose the entities are: %s", error)
            if self._registers:  # and may get wrong ids for ever
                raise CoreAwayError.of_command("config/entity_registry", error.detail) from None
            return {}  # better than showing nothing at all

    async def _look_at_recorder(self) -> None:
        """Ask what the recorder leaves out; Core goes through all that it has for that."""
        try:
            unrecorded = await self._entities.unrecorded()
        except CoreRefusedError as error:
            _LOG.debug("%s", error)
        else:
            self._looked_at = self._clock.monotonic()
            self._unrecorded = unrecorded & self._claims.keys()
            self._report()

    def _update(self) -> None:
        """Work out what may be written."""
        others = {one: at for one, at in self._written.items() if one not in self._owners}
        # One that is silent still has its state, beside which nothing can be registered.
        silent = self._clock.monotonic() - max(others.values(), default=math.inf)
        if silent >= _SILENT_SECONDS and not self._registers:
            for entity_id in others:
                del self._written[entity_id]
        # Of a thousand inverters there are tens of thousands, each time that some are new.
        free = self._known.difference(self._owners, self._written)
        before = self._allowed
        self._allowed = free if self._registers else free - self.registered
        self._report()
        if freed := self._allowed - before:
            self._freed(freed)

    def _report(self) -> None:
        """Raise and clear the problems of what somebody else has, or the recorder leaves out."""
        by_owner: dict[str, set[str]] = {}
        for entity_id, owner in self._owners.items():
            by_owner.setdefault(owner, set()).add(entity_id)
        for kind, subject in [*self._problems.now]:
            if kind is Kind.OWNED and subject not in by_owner:
                self._problems.clear(kind, subject)
        for owner, theirs in by_owner.items():
            self._raise(Kind.OWNED, owner, theirs)
        # Whose registration has just changed may be ours: Core itself writes it then.
        theirs = self._written.keys() - self._owners - self._unchecked
        self._raise(Kind.WRITTEN, None, theirs)
        self._raise(Kind.UNRECORDED, None, self._unrecorded)

    def _raise(self, kind: Kind, subject: str | None, entity_ids: Collection[str]) -> None:
        """Raise a problem of those that have had a value, or clear it if there are none."""
        named = sorted(one for one in entity_ids if self._claims.get(one))
        self._problems.keep(kind, subject, listed(named))


def listed(entity_ids: Sequence[str]) -> str:
    """Return some of them in words, such as: sensor.a, sensor.b and 41 more."""
    named, more = entity_ids[:_MOST_NAMED], len(entity_ids) - _MOST_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
