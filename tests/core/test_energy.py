"""That sources come into Core's Energy dashboard, and that its owner's stay as they are."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from core.test_preferences import ALL, BATTERY, GRID, SOLAR
from redback.core import CoreAwayError, CoreRefusedError, Energy, Priced, WebSocket
from redback.core.versions import is_since
from standin.core import Core

COUNTER = {
    "device_class": "energy",
    "state_class": "total_increasing",
    "unit_of_measurement": "kWh",
}
POWER = {"device_class": "power", "state_class": "measurement", "unit_of_measurement": "kW"}


@pytest.fixture(params=["2026.11.0", "2026.6.1", "2026.3.2", "2025.12.5", "2025.4.4"])
async def core(request: pytest.FixtureRequest) -> AsyncIterator[Core]:
    async with Core(version=request.param) as core:
        yield core


@pytest.fixture
def energy(websocket: WebSocket) -> Energy:
    return Energy(websocket)


def sources_of(core: Core) -> list[dict[str, Any]]:
    assert core.energy.preferences is not None
    sources: list[dict[str, Any]] = core.energy.preferences["energy_sources"]
    return sources


def show(core: Core) -> None:
    """Let Core have the entities and their statistics."""
    for source in ALL:
        for role, entity_id in source.roles.items():
            attributes = POWER if role == "stat_rate" else COUNTER
            core.states.set(entity_id, "5", attributes)
            core.statistics.metadata[entity_id] = {}


async def test_everything_is_added_to_a_core_without_an_energy_dashboard(
    energy: Energy, core: Core
) -> None:
    show(core)
    assert not any(each.is_there for each in await energy.plan(ALL))
    assert core.energy.preferences is None, "looking changes nothing"
    assert [source.kind for source in await energy.add(ALL)] == ["grid", "solar", "battery"]
    assert [source["type"] for source in sources_of(core)] == ["grid", "solar", "battery"]
    assert all(each.is_there for each in await energy.plan(ALL))
    assert await energy.issues(ALL) == ()


async def test_two_who_press_together_add_it_once(energy: Energy, core: Core) -> None:
    first, second = await asyncio.gather(energy.add(ALL), energy.add(ALL))
    assert sorted([len(first), len(second)]) == [0, 3]
    assert len(sources_of(core)) == 3


async def test_what_was_changed_between_looking_and_adding_stays(
    energy: Energy, core: Core
) -> None:
    await energy.plan(ALL)
    own = {"type": "solar", "stat_energy_from": "sensor.house_solar"}
    core.energy.save({"energy_sources": [own]})
    assert await energy.add([SOLAR]) == ()
    assert sources_of(core) == [own]


async def test_a_save_that_changed_nothing_is_an_error(
    energy: Energy, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.energy, "get", lambda: {"energy_sources": []})
    with pytest.raises(CoreRefusedError) as refused:
        await energy.add(ALL)
    assert refused.value.code == "not_taken"


async def test_a_refusal_of_core_is_reported_and_changes_nothing(
    energy: Energy, core: Core
) -> None:
    """As when a version that nobody has tried yet wants something else."""
    own = {"type": "wind", "stat_energy_from": "sensor.wind"}
    core.energy.preferences = {"energy_sources": [own]}
    with pytest.raises(CoreRefusedError, match=r"invalid_format: .*type.*'wind'"):
        await energy.add(ALL)
    assert sources_of(core) == [own]


async def test_preferences_that_cannot_be_read_are_not_touched(energy: Energy, core: Core) -> None:
    core.energy.preferences = {"energy_sources": {"not": "a list"}}
    with pytest.raises(CoreRefusedError) as refused:
        await energy.add(ALL)
    assert refused.value.code == "unexpected_answer"
    assert core.energy.preferences == {"energy_sources": {"not": "a list"}}


async def test_what_core_finds_wrong_is_said_of_our_sources_alone(
    energy: Energy, core: Core
) -> None:
    show(core)
    core.energy.save({"energy_sources": [{"type": "gas", "stat_energy_from": "sensor.gas"}]})
    await energy.add(ALL)
    del core.statistics.metadata["sensor.house_solar"]
    core.states.set("sensor.house_import", "unavailable", COUNTER)
    core.states.set("sensor.house_export", "-5", COUNTER)
    core.states.remove("sensor.house_charge")
    assert [str(issue) for issue in await energy.issues([GRID, SOLAR, BATTERY])] == [
        "Home Assistant reports sensor.house_export: entity negative state (-5.0).",
        "Home Assistant does not know sensor.house_charge yet.",
        "sensor.house_import is unavailable at the moment.",
        (
            "Home Assistant has no statistics of sensor.house_solar yet; they appear within five"
            " minutes."
        ),
    ]


async def test_of_what_the_recorder_leaves_out_only_that_is_said(
    energy: Energy, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        {"type": "statistics_not_defined", "affected_entities": [["sensor.house_solar", None]]},
        {"type": "recorder_untracked", "affected_entities": [["sensor.house_solar", None]]},
    ]

    async def ask(_: object, __: object, kind: Any) -> Any:  # noqa: ANN401 - as the original
        return msgspec.convert({"energy_sources": [found]}, kind)

    monkeypatch.setattr(WebSocket, "ask", ask)
    assert [str(issue) for issue in await energy.issues([SOLAR])] == [
        (
            "Home Assistant does not record sensor.house_solar: your recorder configuration"
            " excludes it."
        )
    ]


async def test_a_core_that_is_away_is_reported_as_such(core: Core, energy: Energy) -> None:
    await core.stop()
    with pytest.raises(CoreAwayError):
        await energy.add(ALL)


async def test_the_money_of_meters_is_what_is_named_or_what_core_makes_of_a_price(
    energy: Energy, core: Core
) -> None:
    assert await energy.priced(["sensor.in", "sensor.out"]) == Priced(), "there is no dashboard"
    unset = dict.fromkeys(("entity_energy_price", "number_energy_price"))
    flows: list[dict[str, Any]] = [
        {"stat_energy_from": "sensor.in", "stat_cost": "sensor.named"},
        {"stat_energy_from": "sensor.other", "stat_cost": "sensor.others"},
        {"stat_energy_from": "sensor.free", "stat_cost": None},
    ]
    back: dict[str, Any] = {"stat_energy_to": "sensor.out", "stat_compensation": None}
    if is_since(core.version, (2026, 3)):
        sources: list[dict[str, Any]] = [{"type": "grid", **one} for one in flows]
        sources[0] |= back
    else:
        into = [unset | one for one in flows]
        whole: dict[str, Any] = {
            "flow_from": into,
            "flow_to": [unset | back],
            "cost_adjustment_day": 0,
        }
        sources = [{"type": "grid", **whole}]
    solar = {"type": "solar", "stat_energy_from": "sensor.free"}
    core.energy.preferences = {"energy_sources": [*sources, solar]}
    core.energy.cost_sensors = {"sensor.out": "sensor.out_compensation", "sensor.in": "sensor.no"}
    found = await energy.priced(["sensor.in", "sensor.out", "sensor.free"])
    assert found == Priced({"sensor.in": "sensor.named"}, {"sensor.out": "sensor.out_compensation"})
