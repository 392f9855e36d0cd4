"""Reads and writes the cloud's lists through the account that an inverter belongs to."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from msgspec import structs

from ..clock import Clock
from ..cloud import ControlsApi, Envelope, Envelopes, RequestError, Schedule, Schedules
from ..inverters.registry import Registry
from ..polling.account import Account
from .book import Own
from .command import LIMITS, MODES
from .limits import has_schedules

NOTES = "Home Assistant"
# What has been in the cloud for this long is in the lists, or is gone.
SURELY_LISTED_SECONDS = 60.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Lists:
    """An inverter's schedules and its site's envelopes; None = not asked."""

    schedules: Schedules | None
    envelopes: Envelopes | None

    def has(self, one: Own) -> bool:
        """Whether something of ours is listed, and not as something that has no effect."""
        if one.site_id:
            listed = () if self.envelopes is None else self.envelopes.all
            return any(each.event_id == one.key and each.has_effect for each in listed)
        once = () if self.schedules is None else self.schedules.once
        return any(schedule.schedule_id == one.key for schedule in once)

    def why_not(self, one: Own) -> str | None:
        """Return why a limit of ours is listed without effect, for people; None if it is not."""
        if self.has(one) or not one.site_id or self.envelopes is None:
            return None
        found = (each.status for each in self.envelopes.all if each.event_id == one.key)
        status = next(found, None)
        if status is None:
            return None
        is_rejected = status.startswith("Reject")
        does = "rejects this" if is_rejected else "lists this without effect"
        return f"Redback's cloud {does}: {status}."

    def would_have(self, one: Own) -> bool:
        """Whether something of ours would be in these lists if it were there."""
        asked = self.envelopes if one.site_id else self.schedules
        return asked is not None and asked.unread == 0

    @property
    def are_whole(self) -> bool:
        """Whether everything that was asked for came."""
        return all(one.unread == 0 for one in self._asked)

    @property
    def unread(self) -> int:
        """How many more there are than can be read, in lists that came."""
        return sum(one.unread or 0 for one in self._asked)

    @property
    def _asked(self) -> list[Schedules | Envelopes]:
        return [one for one in (self.schedules, self.envelopes) if one is not None]


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written a moment ago, in monotonic seconds, to an inverter or a site.

    `made` is None if it was deleted.
    """

    at: float
    place: str
    made: Schedule | Envelope | None


class Remote:
    """Reads the lists into the registry, and writes; `until` is always in monotonic seconds."""

    def __init__(self, accounts: Sequence[Account], registry: Registry, clock: Clock) -> None:
        self.accounts = accounts
        self._registry = registry
        self._clock = clock
        self._lists: dict[str, Lists] = {}
        # By the key.
        self._written: dict[str, _Written] = {}

    def is_closed(self, serial: str) -> bool:
        """Whether the cloud has asked to wait."""
        account = self._account(serial)
        return account is not None and account.throttle.is_closed

    async def read(self, serial: str, until: float | None = None) -> Lists:
        """Read the lists, and note them for the sensors; raise a CloudError.

        Without a moment by which they have to be there, others go before.
        """
        details = self._registry.details(serial)
        schedules, envelopes = None, None
        if has_schedules(details):
            schedules = await self._ask(
                serial, lambda api, left: api.schedules(serial, left), until
            )
        if (site := details.site_id) is not None:
            envelopes = await self._ask(serial, lambda api, left: api.envelopes(site, left), until)
        lists = self._lists[serial] = Lists(schedules, envelopes)
        for mate in self.mates(serial):  # a limit is of all inverters of its site
            self._lists[mate] = replace(self.listed(mate), envelopes=envelopes)
            self._describe(mate)
        return lists

    async def is_alone(self, serial: str, event_id: str, until: float) -> bool:
        """Whether this deletes one envelope, which is the inverter's site's and not the network's.

        An id may be that of several, which the cloud deletes together (dossier 2.5).
        """
        found = await self._ask(
            serial, lambda api, left: api.envelopes_of_event(event_id, left), until
        )
        site = self._registry.details(serial).site_id
        alike = [one for one in found.all if one.has_effect]
        return (
            found.unread == 0
            and len(alike) == 1
            and all(one.site_id in {None, site} and one.of_network is False for one in alike)
        )

    def listed(self, serial: str) -> Lists:
        """Return the lists as they were read last."""
        return self._lists.get(serial, Lists(None, None))

    async def create(self, new: Own, until: float, known: Collection[str] = ()) -> str:
        """Create a schedule, whose key the cloud chooses, or an envelope; return its key.

        `known` are keys of others that are there already, however much alike they are.
        """
        if new.site_id:
            envelope = _envelope(new)
            await self._ask(
                new.serial,
                lambda api, left: api.create_envelope(new.site_id, envelope, left),
                until,
            )
            self._wrote(new.serial, new.key, new.site_id, envelope)
            return new.key
        schedule = schedule_of(new)
        key = await self._ask(
            new.serial,
            lambda api, left: api.create_schedule(new.serial, schedule, left, known=known),
            until,
        )
        self._wrote(new.serial, key, "", structs.replace(schedule, schedule_id=key))
        return key

    async def delete(self, serial: str, key: str, site_id: str, until: float) -> None:
        """Delete an envelope of this site, or a schedule if there is none."""

        def delete(api: ControlsApi, left: float) -> None:
            if site_id:
                api.delete_envelope(site_id, key, left)
            else:
                api.delete_schedule(serial, key, left)

        await self._ask(serial, delete, until)
        self._wrote(serial, key, site_id, None)

    def _wrote(self, serial: str, key: str, site_id: str, made: Schedule | Envelope | None) -> None:
        """Note what was made, or that it was deleted, which the lists will say only later."""
        self._written[key] = _Written(self._clock.monotonic(), site_id or serial, made)
        for mate in self.mates(serial) if site_id else (serial,):
            self._describe(mate)

    def mates(self, serial: str) -> list[str]:
        """Return the inverters of the same site, this one first."""
        site, names = self._registry.details(serial).site_id, self._registry.names
        mates = (one for one in names if site and self._registry.details(one).site_id == site)
        return list(dict.fromkeys([serial, *mates]))

    def _describe(self, serial: str) -> None:
        """Note for the sensors what is in the cloud: the lists, and what was just written."""
        if serial not in self._registry.names:
            return
        since = self._clock.monotonic() - SURELY_LISTED_SECONDS
        self._written = {key: one for key, one in self._written.items() if one.at > since}
        lists = self.listed(serial)
        # What has come in the meantime stays.
        details = self._registry.details(serial)
        places = {serial, details.site_id}
        made = [one.made for one in self._written.values() if one.place in places]
        if lists.schedules is not None:
            kept = (one for one in lists.schedules.once if one.schedule_id not in self._written)
            once = (*kept, *(one for one in made if isinstance(one, Schedule)))
            schedules = structs.replace(lists.schedules, once=once)
            details = replace(details, schedules=schedules)
        if lists.envelopes is not None:
            left = (one for one in lists.envelopes.all if one.event_id not in self._written)
            envelopes = (*left, *(one for one in made if isinstance(one, Envelope)))
            details = replace(details, envelopes=envelopes)
        self._registry.describe(serial, details)

    def _account(self, serial: str) -> Account | None:
        """Return the account that an inverter belongs to; None if it is not in use any more."""
        return next((one for one in self.accounts if serial in one.names), None)

    async def _ask(
        self, serial: str, question: Callable[[ControlsApi, float], _T], until: float | None
    ) -> _T:
        """Ask through an inverter's account, with the time that is left.

        While the cloud is not to be asked nobody waits: others would wait with it.
        """
        account = self._account(serial)
        if account is None:
            raise RequestError("no account has this inverter", method="", url="")
        api, throttle = account.client.controls, account.throttle
        if until is None:
            return await throttle.ask_now_or_later(lambda: question(api, math.inf))
        return await throttle.ask_now(
            lambda: question(api, max(0.0, until - self._clock.monotonic())), until
        )


def schedule_of(one: Own) -> Schedule:
    """Return a schedule of ours as the cloud lists it."""
    return Schedule(
        schedule_id=one.key,
        start=one.start,
        duration=one.end - one.start,
        mode=MODES[one.action],
        power_w=one.power,
        notes=NOTES,
    )


def _envelope(one: Own) -> Envelope:
    limits = {field: one.limits[name] for name, field in LIMITS.items() if name in one.limits}
    return structs.replace(Envelope(event_id=one.key, start=one.start, end=one.end), **limits)
