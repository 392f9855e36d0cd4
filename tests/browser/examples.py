"""Answers of the panel's server, as the program makes them of a house; its values are invented.

`status_of(kind)` is the Status in which a notice of that kind is shown; `made(change)` is that of
any other house. The rest are parts, for tests that combine them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec

import examples
from browser.commands import DAYS, ControlsOfExample
from fake_clock import FakeClock
from panel.scenes import SCENES, House, others
from redback.backfill import Progress
from redback.core import Energy, Planned, Source
from redback.core.preferences import merge, plan
from redback.dashboards import EnergySetup
from redback.inverters.registry import Registry
from redback.notifications import Notification
from redback.options import Site
from redback.panel import minutes
from redback.panel.entities import entities
from redback.panel.sites import accounts, gone
from redback.publishing.entity_ids import entity_ids
from redback.publishing.ownership import Ownership
from redback.sensors.details import Details

Json = dict[str, object]
NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
HOME = ZoneInfo("Australia/Brisbane")
OPTIONS_URL = "/hassio/addon/local_redback/config"
KINDS = tuple(SCENES)

_HOUSE, _SITE = "RB21120912345678", "S2112091234567"
_FLAT, _ELSEWHERE = "RB22031109876543", "S2203110987654"
_RUNNING = timedelta(hours=9)
_CORE = "2026.11.0"
_NO_BATTERY = dict.fromkeys(
    ("Battery", "BatteryChargeAllTimeEnergykWh", "BatteryDischargeAllTimeEnergykWh")
)


def _answer(solar: float, battery: float | None, grid: float, level: float | None) -> Json:
    """Make an answer of an inverter with one phase, 42 s ago; powers in kW."""
    phase = {
        "Id": "A",
        "ActiveExportedPowerInstantaneouskW": max(-grid, 0),
        "ActiveImportedPowerInstantaneouskW": max(grid, 0),
    }
    answer: Json = {
        "TimestampUtc": ago(seconds=42),
        "PvPowerInstantaneouskW": solar,
        "BatteryPowerNegativeIsChargingkW": battery,
        "BatterySoCInstantaneous0to1": level,
        "Phases": [phase],
    }
    return answer | (_NO_BATTERY if battery is None else {})


def written(moment: datetime) -> str:
    """Write a time as the server does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(**duration: float) -> str:
    """Write the time that was this long before now."""
    return written(NOW - timedelta(**duration))


_NOON = _answer(4.873, -2.4, -1.223, 0.84)
_EVENING = _answer(0, 2.1, 1.5, 0.31)
_FLAT_AT_NOON = _answer(2.1, None, -1.46, None)
_STATIC = msgspec.structs.replace(
    examples.static(), model="SH5000", site_id=_SITE, battery_capacity_kwh=13.2
)
_CONFIGURATION = msgspec.structs.replace(examples.configuration(), battery_capacity_kwh=13.2)
_FLAT_STATIC = msgspec.structs.replace(
    examples.static(), model="SI6000", site_id=_SITE, battery_count=0, battery_capacity_kwh=None
)


def house(answer: Mapping[str, object] = {}) -> House:
    """Make a house with one inverter: the sun runs it, charges its battery, feeds the grid."""
    made = House(FakeClock(NOW))
    made.options_url = OPTIONS_URL
    made.options = msgspec.structs.replace(made.options, sites=(Site(_SITE, "House"),))
    made.started_at = NOW - _RUNNING
    made.core.up_since = made.clock.monotonic() - _RUNNING.total_seconds()
    made.account.poller.next_at = NOW + timedelta(seconds=18)
    made.counts.requests, made.counts.failures, made.counts.states = 1204, 3, 20511
    made.progress = Progress(is_known=True, found=240, done=240)
    made.energy = minutes.Energy(18.42, 11.3, 1.07, 4.61, 5.2, 1.62, 74.9, 90.5)
    details = Details(_STATIC, _CONFIGURATION)
    made.add(_HOUSE, "House", _SITE, details, **{**_NOON, **answer})
    made.controls = ControlsOfExample(_HOUSE, NOW)
    return made


def made(
    change: Callable[[House], None] = lambda _: None, answer: Mapping[str, object] = {}
) -> Json:
    """Make the Status of the house after a change."""
    changed = house(answer)
    change(changed)
    return _json(changed.status)


def status_of(kind: str) -> Json:
    """Make the Status in which there is a notice of a kind, and no other."""
    return made(SCENES[kind])


def notice(kind: str) -> Json:
    """Make a notice of a kind."""
    found: Json = _part(status_of(kind), "notices")[0]
    return found


def status(*inverters: Json, **changes: object) -> Json:
    """Make the Status of a house in which all is well, with other parts."""
    given = {"inverters": list(inverters), "control": control(*inverters)} if inverters else {}
    return made() | given | changes


def control(*inverters: Json) -> Json:
    """Make what is to be controlled: the house's inverter, or one like the granny flat's."""

    def flat_too(made: House) -> None:
        made.add(_FLAT, "Granny flat", _SITE, Details(_FLAT_STATIC), **_FLAT_AT_NOON)

    found: Json = _part(made(flat_too), "control")
    of_house, of_flat = sorted(_part(found, "inverters"), key=lambda one: str(one["serial"]))
    like = [of_house if one["has_battery"] else of_flat for one in inverters]
    serials = [{"serial": one["serial"]} for one in inverters]
    each = [one | serial for one, serial in zip(like, serials, strict=True)]
    return found | {"inverters": each}


def inverter(**changes: object) -> Json:
    """Make an inverter at noon: the sun runs the house, charges the battery, feeds the grid."""
    return _inverter(made()) | changes


def evening(**changes: object) -> Json:
    """Make an inverter after sunset: battery and grid run the house."""
    return _inverter(made(answer=_EVENING)) | changes


def granny_flat() -> Json:
    """Make a second inverter, which has no battery."""

    def change(made: House) -> None:
        made.names.clear()
        made.energy = minutes.Energy(9.8, 4.05, 1.07, 4.61, None, None, 74.9, 90.5)
        made.add(_FLAT, "Granny flat", _SITE, Details(_FLAT_STATIC), **_FLAT_AT_NOON)

    return _inverter(made(change))


def health(**changes: object) -> Json:
    """Make the health of a service that runs well."""
    found: Json = _part(made(), "health")
    return found | changes


def bad(text: str, **since: float) -> Json:
    """Make the health of a part that does not work."""
    return {"state": "bad", "text": text, "since": ago(**since)}


def history(**changes: object) -> Json:
    """Make the state of a past without gaps."""
    return _history(made()) | changes


def filling(*, is_paused: bool = False, **changes: object) -> Json:
    """Make the Status in which a past is being filled, or was until it was paused."""

    def change(made: House) -> None:
        _fill(made)
        made.is_paused = is_paused

    return made(change) | changes


def held() -> Json:
    """Make the Status in which filling waits for the cloud, which is away."""

    def change(made: House) -> None:
        _fill(made)
        SCENES["cloud_away"](made)

    return made(change)


def _fill(made: House) -> None:
    made.progress = Progress(
        is_known=True,
        found=2160,
        done=1420,
        left=740,
        fetched=12,
        rate=118.4,
        ends_at=NOW + timedelta(seconds=372),
    )


@cache
def _sites() -> Json:
    """Make what the account has: one that is in use, two that are not, and one that is gone."""
    made = house()
    others(made, (_FLAT, _ELSEWHERE, _FLAT_STATIC), ("RB23040112345678", None, None))
    made.leave("RB19010112345678", "Shed", days=4, hours=1.5)
    context = made.context
    return _json(
        {
            "accounts": list(accounts(context)),
            "gone": list(gone(context)),
            "missing": [site.id for site in context.accounts.missing],
        }
    )


def two_accounts() -> tuple[Json, Json]:
    """Make the Status and the Sites of two accounts, the second with wrong credentials."""
    made = house()
    made.add(_FLAT, "Barn", "S2203110987654", Details(_FLAT_STATIC), **_FLAT_AT_NOON)
    told = made.give_away(_FLAT)
    told.show(Notification.CREDENTIALS)
    del made.readings[_FLAT]
    sites = {"accounts": list(accounts(made.context)), "gone": [], "missing": []}
    return _json(made.status), _json(sites)


def energy_plan(*, is_there: bool = False, is_read: bool = True) -> Json:
    """Make what would be, or has been, added to the Energy dashboard; nothing before a reading."""
    known = [*house().inverters.values()] if is_read else []
    registry = SimpleNamespace(inverters=lambda: known, sorted_names=lambda: ["House"])
    ours = SimpleNamespace(why_not=lambda _: None, ids=entity_ids)

    async def planned(sources: Sequence[Source]) -> tuple[Planned, ...]:
        stored = merge([], sources, _CORE) if is_there else []
        return plan(stored, sources, _CORE)

    async def issues(_: Sequence[Source]) -> tuple[()]:
        return ()

    energy = SimpleNamespace(plan=planned, issues=issues)
    setup = EnergySetup(cast("Energy", energy), cast("Registry", registry), cast("Ownership", ours))
    looking = setup.look()
    try:
        looking.send(None)
    except StopIteration as end:
        return _json(end.value)
    raise AssertionError("nothing in it waits")


def _json(answer: object) -> Json:
    """Return an answer as the page gets it."""
    decoded: Json = msgspec.json.decode(msgspec.json.encode(answer))
    if decoded.get("control"):
        _part(decoded, "control")["days"] = DAYS
    return decoded


def _inverter(status: Json) -> Json:
    first: Json = _part(status, "inverters")[0]
    return first


def _history(status: Json) -> Json:
    found: Json = _part(status, "history")
    return found


def _part(answer: Json, name: str) -> Any:  # noqa: ANN401 - JSON
    return answer[name]


GIVEN: dict[str, dict[str, Any]] = {
    "sites": _sites(),
    "entities": _json({"entities": list(entities(house().context)), "have_pages": True}),
    "energy": energy_plan(),
}
