"""The status: everything that the page shows live."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from ..backfill import Hold
from ..inverters.inverter import Inverter
from ..inverters.naming import GivenName
from ..notifications import Notification
from ..polling.account import Account
from ..problems import OF_BROKER, Kind
from ..sensors.counters import COUNTERS
from ..sensors.reading import FAULT, OFFLINE, Reading
from .amounts import rounded
from .context import Context, own_ids
from .control import Control, control
from .minutes import Energy
from .notices import Notice, failed, failed_lately, in_hours, notices

_State = Literal["good", "bad", "waiting"]
_REFUSALS = (Notification.CREDENTIALS, Notification.TOKEN, Notification.NO_INVERTER)


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one connection, and a sentence about it."""

    state: _State
    text: str
    since: datetime | None = None


class AccountHealth(Health, frozen=True, kw_only=True):
    """The state of one account; its name is empty if it is the only one."""

    name: str


class InverterHealth(Health, frozen=True, kw_only=True):
    """The state of one inverter."""

    serial: str
    name: str


class LastError(msgspec.Struct, frozen=True):
    """The latest resolved problem."""

    sentence: str
    at: datetime
    advice: str


class Counts(msgspec.Struct, frozen=True):
    """The counters since the start; `sent` are states, and messages to the MQTT broker."""

    requests: int
    failed_requests: int
    sent: int
    problems: int


class AllHealth(msgspec.Struct, frozen=True):
    """The state of everything; `cloud` is that of the account that is worst off."""

    cloud: Health
    accounts: list[AccountHealth]
    core: Health
    broker: Health | None
    inverters: list[InverterHealth]
    counts: Counts
    next_poll: datetime | None
    last_error: LastError | None


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """One inverter; powers in kW (battery: positive = discharge, grid: positive = import).

    `entity_ids` are those whose history Home Assistant shows, by the name of a value here or of
    one of `today`.
    """

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
    entity_ids: dict[str, str] = {}


class Summary(msgspec.Struct, frozen=True):
    """The state of everything in one sentence: all is well, catching up, or what is wrong."""

    level: Literal["good", "waiting", "warning", "error"]
    text: str


class Status(msgspec.Struct, frozen=True):
    """The whole status; times are UTC. `control` is None if the option Controls is off."""

    version: str
    at: datetime
    started_at: datetime
    options_url: str | None
    summary: Summary
    notices: list[Notice]
    inverters: list[Now]
    health: AllHealth
    history: dict[str, Any]
    control: Control | None


def status(context: Context) -> Status:
    """Return the status now."""
    now, lately = context.clock.now(), failed_lately(context)
    found, health, history = notices(context, lately), _health(context), _history(context, lately)
    return Status(
        version=context.version,
        at=now,
        started_at=context.started_at,
        options_url=context.home_assistant.options_url,
        summary=_summary(found, health, history),
        notices=found,
        inverters=[_now(context, serial, given) for serial, given in _named(context)],
        health=health,
        history=history,
        control=control(context),
    )


def _summary(found: Sequence[Notice], health: AllHealth, history: Mapping[str, Any]) -> Summary:
    """Return the worst of everything: the one place that decides whether all is well."""
    return next(_worst_first(found, health, history), Summary("good", "All is well"))


def _worst_first(
    found: Sequence[Notice], health: AllHealth, history: Mapping[str, Any]
) -> Iterator[Summary]:
    broker = () if health.broker is None else (health.broker,)
    parts = (health.cloud, health.core, *broker, *health.inverters)
    for notice in found:
        if notice.level != "info":
            yield Summary(notice.level, notice.title)
    yield from (Summary("warning", part.text) for part in parts if part.state == "bad")
    yield from (Summary("waiting", notice.title) for notice in found)
    yield from (Summary("waiting", part.text) for part in parts if part.state == "waiting")
    left = history["left"]
    missing = f": {in_hours(left)} missing" if left else ""
    if history["is_paused"]:
        yield Summary("waiting", f"Filling is paused{missing}")
    elif history["hold"]:
        yield Summary("waiting", f"Filling is waiting{missing}")
    elif left:
        yield Summary("waiting", f"Catching up{missing}")
    elif not history["is_known"]:
        yield Summary("waiting", "Checking for gaps")


def _named(context: Context) -> list[tuple[str, GivenName]]:
    return sorted(context.registry.names.items(), key=lambda item: (item[1].name, item[0]))


def by_site(context: Context) -> dict[str, list[str]]:
    """Return the inverters in use by site, in the page's order; one without a site stands alone."""
    sites = {one.serial: one.site_id for one in context.accounts.inverters}
    found: dict[str, list[str]] = {}
    for serial, _ in _named(context):
        found.setdefault(sites.get(serial) or serial, []).append(serial)
    return found


def _now(context: Context, serial: str, given: GivenName) -> Now:
    inverter = context.registry.inverter(serial)
    reading = context.registry.reading(serial)
    static = None if inverter is None else inverter.details.static
    sites = {one.serial: one.site_id for one in context.accounts.inverters}
    now = Now(
        serial=serial,
        name=given.name,
        site=sites.get(serial),
        model=None if static is None else static.model,
        status=None if inverter is None else OFFLINE,
        is_live=False,
        today=context.minutes.today(serial),
        entity_ids={} if inverter is None else dict(_entity_ids(context, inverter)),
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


_ENERGY = "_kwh"
# The sensor of each value.
_SENSORS = {
    "status": "status",
    "solar_kw": "solar_generation",
    "load_kw": "site_load",
    "battery_kw": "battery_power",
    "grid_kw": "grid_power",
    "soc": "battery_soc",
    **{f"{row.day}{_ENERGY}": row.key for row in COUNTERS},
}


def _entity_ids(context: Context, inverter: Inverter) -> Iterator[tuple[str, str]]:
    ids = own_ids(context, inverter)
    for name, key in _SENSORS.items():
        if key in ids:
            yield name, ids[key]


def energy_ids(context: Context, serials: Iterable[str]) -> dict[str, list[str]]:
    """Return the entities that each energy of these inverters is of, by its name."""
    found: dict[str, list[str]] = {}
    for inverter in filter(None, map(context.registry.known, serials)):
        for name, entity_id in _entity_ids(context, inverter):
            if name.endswith(_ENERGY):
                found.setdefault(name, []).append(entity_id)
    return found


def _min_soc(reading: Reading) -> float | None:
    configuration = reading.details.configuration
    return None if configuration is None else _percent(configuration.min_soc_0_to_1)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)


def _health(context: Context) -> AllHealth:
    last = context.problems.last
    if last is not None and (last.kind, last.subject) in context.problems.now:
        last = None  # which the notices tell
    accounts = [_account(context, account) for account in context.accounts]
    return AllHealth(
        cloud=_cloud(accounts),
        accounts=accounts,
        core=_core(context),
        broker=_broker(context),
        inverters=[_inverter(context, serial, given) for serial, given in _named(context)],
        counts=Counts(
            context.transport.requests,
            context.transport.failures,
            context.home_assistant.rest.states + context.publisher.broker.messages,
            context.problems.count,
        ),
        next_poll=min(filter(None, (a.poller.next_at for a in context.accounts)), default=None),
        last_error=None if last is None else LastError(last.sentence, last.since, last.advice),
    )


def _cloud(accounts: Sequence[AccountHealth]) -> Health:
    """Return the state of the account that is worst off, without its name."""
    worst = min(accounts, key=lambda account: ("bad", "waiting", "good").index(account.state))
    return Health(state=worst.state, text=worst.text, since=worst.since)


def _account(context: Context, account: Account) -> AccountHealth:
    if (wrong := _wrong(context, account)) is not None:
        text, since = wrong
        return AccountHealth(name=account.label, state="bad", text=text, since=since)
    readings = [context.registry.reading(serial) for serial in account.names]
    state: _State = "good"
    if any(reading is not None and reading.is_live for reading in readings):
        text = "Receiving readings."
    elif any(readings):
        text = "Connected. There are no new readings."
    elif account.is_listed and not account.names and context.registry.names:
        text = "Connected. None of its inverters is in use."
    else:
        state, text = "waiting", "Connecting to the Redback cloud."
    return AccountHealth(name=account.label, state=state, text=text)


def _wrong(context: Context, account: Account) -> tuple[str, datetime | None] | None:
    """Return what is wrong with an account, in a sentence, and since when; None = nothing."""
    for one in context.notifications.find(*_REFUSALS):
        if one.account == account.key:
            return f"{one.notification.title}.", None
    # Otherwise the other sites work.
    if not context.registry.names and context.notifications.find(Notification.MISSING_SITES):
        return f"{Notification.MISSING_SITES.title}.", None
    if (problem := account.problems.find(Kind.READINGS)) is not None:
        return "No readings.", problem.since
    is_read = any(context.registry.reading(serial) for serial in account.names)
    if (problem := account.problems.find(Kind.DISCOVERY)) is not None and not is_read:
        return "It does not list your inverters.", problem.since
    return None


def _core(context: Context) -> Health:
    if (problem := context.problems.find(Kind.CORE_CLOSED, Kind.CORE_AWAY)) is not None:
        return Health(state="bad", text="Not connected.", since=problem.since)
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


def _broker(context: Context) -> Health | None:
    """Return the state of the MQTT broker, if there has to be one."""
    if (problem := context.problems.find(*OF_BROKER)) is not None:
        return Health(state="bad", text="Not connected.", since=problem.since)
    if not context.publisher.are_devices:
        return None
    if context.publisher.broker.is_up:
        text = f"Connected to {context.publisher.broker.address}"
        if (problem := context.problems.find(Kind.NOT_TAKEN)) is not None:
            text = f"{text}, but Home Assistant takes no devices from there."
            return Health(state="bad", text=text, since=problem.since)
        return Health(state="good", text=f"{text}.")
    return Health(state="waiting", text="Connecting to the MQTT broker.")


# An inverter's problem in a few words: the notices say more.
_WRONG = {
    Kind.INVERTER: "It cannot be read.",
    Kind.FUTURE: "Its readings are ignored.",
    Kind.OLDER: "Its readings are ignored.",
    Kind.OFFLINE: "Offline.",
}


def _inverter(context: Context, serial: str, given: GivenName) -> InverterHealth:
    reading, reader = context.registry.reading(serial), context.accounts.reader(serial)
    state: _State = "waiting"
    since = None
    if context.problems.find(Kind.CLOCK) is not None:
        text = "No reading counts while this machine's clock is wrong."
    elif reader is not None and _wrong(context, reader) is not None:
        text, since = "No new readings.", None if reading is None else reading.dynamic.timestamp
    elif (problem := context.problems.find(*_WRONG, subject=serial)) is not None:
        state, text, since = "bad", _WRONG[problem.kind], problem.since
    elif reading is None:
        text = "Waiting for the first reading."
    elif reading.status == FAULT:
        state, text = "bad", "It reports a fault."
    else:
        state, text = "good", "Receiving readings."
    return InverterHealth(serial=serial, name=given.name, state=state, text=text, since=since)


def _history(context: Context, lately: int) -> dict[str, Any]:
    progress, backfill = context.backfill.progress, context.backfill
    hold = (progress.hold or _held_by_cloud(context)) if progress.left else None
    is_running = progress.left > 0 and not backfill.is_paused and hold is None
    unrecorded = context.problems.find(Kind.UNRECORDED)
    return asdict(progress) | {
        "is_running": is_running,
        "is_paused": backfill.is_paused,
        "ends_at": progress.ends_at if is_running else None,
        "hold": hold,
        "failed": failed(context),
        "failed_lately": lately,
        "unrecorded": None if unrecorded is None else f"{unrecorded.sentence} {unrecorded.advice}",
    }


def _held_by_cloud(context: Context) -> Hold | None:
    """Return why the history waits although it has not noticed it yet, if no account can go on."""
    holds = [_hold(context, account) for account in context.accounts]
    return holds[0] if all(holds) else None


def _hold(context: Context, account: Account) -> Hold | None:
    if (problem := account.problems.find(Kind.READINGS)) is not None:
        return Hold(problem.detail, may_retry=True)
    if (seconds := account.throttle.closed_s) > 0:
        until = context.clock.now() + timedelta(seconds=seconds)
        # Whole seconds, as above.
        why = "the cloud accepts no requests at the moment"
        return Hold(why, until.replace(microsecond=0), may_retry=True)
    return None
