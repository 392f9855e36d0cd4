"""The status: everything that the page shows live."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from ..inverters.naming import GivenName
from ..notifications import Notification
from ..problems import Kind, Problem
from ..sensors.reading import OFFLINE, Reading
from .context import Context
from .minutes import Energy, rounded
from .notices import Notice, notices


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one connection, and a sentence about it."""

    state: Literal["good", "bad", "waiting"]
    text: str
    since: datetime | None = None


class InverterHealth(Health, frozen=True, kw_only=True):
    """The state of one inverter."""

    serial: str
    name: str


class Trouble(msgspec.Struct, frozen=True):
    """A current problem, and what to do about it."""

    sentence: str
    since: datetime
    count: int
    advice: str


class LastError(msgspec.Struct, frozen=True):
    """The latest problem, whether it is over or not."""

    sentence: str
    at: datetime
    advice: str


class Counts(msgspec.Struct, frozen=True):
    """The counters since the start."""

    requests: int
    failed_requests: int
    states: int
    problems: int


class AllHealth(msgspec.Struct, frozen=True):
    """The state of everything."""

    cloud: Health
    core: Health
    inverters: list[InverterHealth]
    counts: Counts
    next_poll: datetime | None
    last_error: LastError | None
    problems: list[Trouble]


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """One inverter; powers in kW (battery: positive = discharge, grid: positive = import)."""

    serial: str
    name: str
    site: str | None
    model: str | None
    status: str | None
    is_live: bool
    mode: str | None = None
    mode_power_w: float | None = None
    read_at: datetime | None = None
    solar_kw: float | None = None
    load_kw: float | None = None
    battery_kw: float | None = None
    grid_kw: float | None = None
    soc: float | None = None
    min_soc: float | None = None
    capacity_kwh: float | None = None
    has_battery: bool = False
    has_solar: bool = True
    today: Energy = Energy()


class Status(msgspec.Struct, frozen=True):
    """The whole status; times are UTC."""

    version: str
    at: datetime
    clock_ahead_s: float
    started_at: datetime
    options_url: str | None
    notices: list[Notice]
    inverters: list[Now]
    health: AllHealth
    history: dict[str, object]


def clock_ahead_s(now: datetime) -> float:
    """Return how far the house's clock is ahead of UTC at a time, s."""
    return (now.astimezone().utcoffset() or timedelta()).total_seconds()


def status(context: Context) -> Status:
    """Return the status now."""
    now = context.clock.now()
    return Status(
        version=context.version,
        at=now,
        clock_ahead_s=clock_ahead_s(now),
        started_at=context.started_at,
        options_url=context.home_assistant.options_url,
        notices=notices(context),
        inverters=[_now(context, serial, given) for serial, given in _named(context)],
        health=_health(context),
        history=_history(context),
    )


def _named(context: Context) -> list[tuple[str, GivenName]]:
    return sorted(context.registry.names.items(), key=lambda item: (item[1].name, item[0]))


def by_site(context: Context) -> dict[str, list[str]]:
    """Return the inverters in use by site, in the page's order; one without a site stands alone."""
    sites = {one.serial: one.site_id for one in context.saved_state.saved.inverters}
    found: dict[str, list[str]] = {}
    for serial, _ in _named(context):
        found.setdefault(sites.get(serial) or serial, []).append(serial)
    return found


def _now(context: Context, serial: str, given: GivenName) -> Now:
    inverter = context.registry.inverter(serial)
    reading = context.registry.reading(serial)
    static = None if inverter is None else inverter.details.static
    sites = {one.serial: one.site_id for one in context.saved_state.saved.inverters}
    now = Now(
        serial=serial,
        name=given.name,
        site=sites.get(serial),
        model=None if static is None else static.model,
        status=None if inverter is None else OFFLINE,
        is_live=False,
        today=context.minutes.today(serial),
    )
    if reading is None:
        return now
    live, dynamic = reading.is_live, reading.dynamic
    return msgspec.structs.replace(
        now,
        status=reading.status,
        is_live=live,
        mode=reading.mode,
        mode_power_w=reading.mode_power_w,
        read_at=dynamic.timestamp,
        solar_kw=rounded(dynamic.pv_power_kw) if live else None,
        load_kw=rounded(reading.load_kw) if live else None,
        battery_kw=rounded(dynamic.battery_power_kw) if live and reading.has_battery else None,
        grid_kw=rounded(reading.grid_kw) if live else None,
        soc=_percent(dynamic.battery_soc_0_to_1) if live and reading.has_battery else None,
        min_soc=_min_soc(reading),
        capacity_kwh=reading.battery_capacity_kwh if reading.has_battery else None,
        has_battery=reading.has_battery,
        has_solar=dynamic.pv_power_kw is not None or bool(static and static.panel_size_kw),
    )


def _min_soc(reading: Reading) -> float | None:
    configuration = reading.details.configuration
    return None if configuration is None else _percent(configuration.min_soc_0_to_1)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)


def _health(context: Context) -> AllHealth:
    last = context.problems.last
    return AllHealth(
        cloud=_cloud(context),
        core=_core(context),
        inverters=[_inverter(context, serial, given) for serial, given in _named(context)],
        counts=Counts(
            context.transport.requests,
            context.transport.failures,
            context.home_assistant.rest.states,
            context.problems.count,
        ),
        next_poll=context.account.poller.next_at,
        last_error=None if last is None else LastError(last.sentence, last.since, last.advice),
        problems=[
            Trouble(one.sentence, one.since, one.count, one.advice)
            for one in sorted(
                context.problems.now.values(), key=lambda one: one.since, reverse=True
            )
        ],
    )


def _cloud(context: Context) -> Health:
    refusals = [Notification.CREDENTIALS, Notification.TOKEN, Notification.NO_INVERTER]
    if not context.registry.names:  # otherwise the other sites work
        refusals.append(Notification.MISSING_SITES)
    for notification, _ in context.notifications.find(*refusals):
        return Health(state="bad", text=f"{notification.title}.")
    problem = context.problems.find(Kind.READINGS, Kind.DISCOVERY, Kind.CLOCK, Kind.CONFIGURATION)
    if problem is not None:
        return _bad(problem)
    if any(context.registry.reading(serial) is not None for serial in context.registry.names):
        return Health(state="good", text="Receiving readings.")
    return Health(state="waiting", text="Connecting to the Redback cloud.")


def _core(context: Context) -> Health:
    if (problem := context.problems.find(Kind.CORE_CLOSED, Kind.CORE_AWAY)) is not None:
        return _bad(problem)
    websocket = context.home_assistant.websocket
    if websocket.up_since is None:
        return Health(state="waiting", text="Connecting to Home Assistant.")
    since = context.clock.now() - timedelta(seconds=context.clock.monotonic() - websocket.up_since)
    return Health(
        state="good",
        text=f"Connected to Home Assistant {websocket.version or ''}".rstrip() + ".",
        # Whole seconds: the rest differs each time, and would be sent as a change each second.
        since=since.replace(microsecond=0),
    )


def _inverter(context: Context, serial: str, given: GivenName) -> InverterHealth:
    kinds = Kind.OFFLINE, Kind.INVERTER, Kind.FUTURE, Kind.OLDER
    problems = context.problems
    # While the clock is wrong, no time of a reading means anything.
    problem = problems.find(*kinds, subject=serial) or problems.find(Kind.CLOCK)
    if problem is not None:
        health = _bad(problem)
    elif context.registry.reading(serial) is None:
        health = Health(state="waiting", text="Waiting for the first reading.")
    else:
        health = Health(state="good", text="Receiving readings.")
    return InverterHealth(serial=serial, name=given.name, **msgspec.structs.asdict(health))


def _bad(problem: Problem) -> Health:
    return Health(state="bad", text=problem.sentence, since=problem.since)


def _history(context: Context) -> dict[str, object]:
    progress, is_paused = context.backfill.progress, context.backfill.is_paused
    return asdict(progress) | {
        "is_running": progress.left > 0 and not is_paused,
        "is_paused": is_paused,
        "ends_at": None if is_paused else progress.ends_at,
    }
