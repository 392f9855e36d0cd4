"""What is in the cloud, read and written through the account that an inverter belongs to."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ..clock import Clock
from ..cloud import ControlsApi, Envelope, RequestError, Schedule, Schedules, ThrottledError
from ..inverters.registry import Registry
from ..polling.account import Account
from ..polling.throttle import Throttle
from .book import Own
from .command import MODES
from .limits import has_schedules

NOTES = "Home Assistant"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Lists:
    """What is scheduled for an inverter, and its site's envelopes; None = not asked."""

    schedules: Schedules | None
    envelopes: tuple[Envelope, ...] | None

    def has(self, one: Own) -> bool:
        """Whether something of ours is listed."""
        if one.site_id:
            return any(envelope.event_id == one.key for envelope in self.envelopes or ())
        once = () if self.schedules is None else self.schedules.once
        return any(schedule.schedule_id == one.key for schedule in once)

    def were_asked_for(self, one: Own) -> bool:
        """Whether something of ours would be in these lists."""
        return (self.envelopes if one.site_id else self.schedules) is not None


class Remote:
    """Reads the lists into the registry, and writes; `until` is always in monotonic seconds."""

    def __init__(self, accounts: Sequence[Account], registry: Registry, clock: Clock) -> None:
        self._accounts = accounts
        self._registry = registry
        self._clock = clock

    def is_closed(self, serial: str) -> bool:
        """Whether the cloud has asked to wait."""
        account = self._account(serial)
        return account is not None and account.throttle.is_closed

    def closed_s(self, serial: str) -> float:
        """Return for how long a request that can wait has to, s."""
        account = self._account(serial)
        return 0.0 if account is None else account.throttle.closed_s

    async def read(self, serial: str, *, can_wait: bool) -> Lists:
        """Read the lists, and note them for the sensors; raise a CloudError."""
        api, throttle = self._way(serial)
        details = self._registry.details(serial)
        schedules, envelopes = None, None
        changes: dict[str, Any] = {}

        async def ask(question: Callable[[], _T]) -> _T:
            return await (throttle.ask_later(question) if can_wait else _now(throttle, question))

        if has_schedules(details):
            schedules = changes["schedules"] = await ask(lambda: api.schedules(serial))
        if (site := details.site_id) is not None:
            envelopes = changes["envelopes"] = await ask(lambda: api.envelopes(site))
        if serial in self._registry.names:
            # What has come in the meantime stays.
            self._registry.describe(serial, replace(self._registry.details(serial), **changes))
        return Lists(schedules, envelopes)

    def listed(self, serial: str) -> Lists:
        """Return the lists as they were read last."""
        details = self._registry.details(serial)
        return Lists(details.schedules, details.envelopes)

    async def create(self, new: Own, until: float, known: Collection[str] = ()) -> str:
        """Create a schedule, whose key the cloud chooses, or an envelope; return its key.

        `known` are keys of others that are there already, however much alike they are.
        """
        api, throttle = self._way(new.serial)
        if new.site_id:
            envelope = _envelope(new)
            await _now(
                throttle, lambda: api.create_envelope(new.site_id, envelope, self._left(until))
            )
            return new.key
        schedule = schedule_of(new)
        return await _now(
            throttle,
            lambda: api.create_schedule(new.serial, schedule, self._left(until), known=known),
        )

    async def delete(self, serial: str, key: str, site_id: str, until: float) -> None:
        """Delete an envelope of this site, or a schedule if there is none."""
        api, throttle = self._way(serial)
        if site_id:
            await _now(throttle, lambda: api.delete_envelope(site_id, key, self._left(until)))
        else:
            await _now(throttle, lambda: api.delete_schedule(serial, key, self._left(until)))

    def _account(self, serial: str) -> Account | None:
        """Return the account that an inverter belongs to; None if it is not in use any more."""
        return next((one for one in self._accounts if serial in one.names), None)

    def _way(self, serial: str) -> tuple[ControlsApi, Throttle]:
        account = self._account(serial)
        if account is None:
            raise RequestError("no account has this inverter", method="", url="")
        return account.client.controls, account.throttle

    def _left(self, until: float) -> float:
        return max(0.0, until - self._clock.monotonic())


async def _now(throttle: Throttle, question: Callable[[], _T]) -> _T:
    """Ask now, or not at all."""
    if throttle.is_closed:
        raise ThrottledError("it asked to wait", method="", url="")
    return await throttle.ask(question)


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
    get = one.limits.get
    return Envelope(
        event_id=one.key,
        start=one.start,
        end=one.end,
        max_import_w=get("max_import"),
        max_export_w=get("max_export"),
        max_discharge_w=get("max_discharge"),
        max_charge_w=get("max_charge"),
        max_generation_va=get("max_generation"),
    )
