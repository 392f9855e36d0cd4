"""Which states Core has accepted, which it rejects, and what is sent at the stop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from fake_clock import FakeClock, settle
from redback.core import CoreAwayError, CoreRefusedError, HomeAssistant, State
from redback.options import Options
from redback.problems import Kind, Problems
from redback.publishing.delivery import Delivery
from redback.publishing.device import Device
from redback.publishing.states import StatePublisher
from redback.publishing.ways import publisher as make_publisher
from redback.sensors.entities import Shown
from running import running

HOUSE = Device("RB1", "House")
KEYS = "status", "grid_power", "grid_import_total", "site_load", "solar_generation", "battery_soc"
REJECTED = "sensor.house_grid_power"


class Core:
    """Takes states, but answers with these statuses: for one entity, or for all (None)."""

    def __init__(self) -> None:
        self.statuses: dict[str | None, int] = {}
        self.shows: dict[str, str] = {}
        self.attributes: dict[str, Mapping[str, object]] = {}
        self.states = 0
        self.failures = 0

        self.up_since = 0.0

    @property
    def rest(self) -> "Core":
        return self

    # Nobody else has an entity.
    entities = websocket = supervisor = rest

    def subscribe(self, *_: object) -> None:
        pass

    async def entries(self, _: Collection[str]) -> dict[str, str]:
        return {}

    async def watch(self, *_: object) -> None:
        pass

    async def set_state(self, state: State) -> None:
        await asyncio.sleep(0)
        status = self.statuses.get(None) or self.statuses.get(state.entity_id)
        if status is not None:
            kind = CoreAwayError if status >= 500 else CoreRefusedError
            raise kind("POST", state.entity_id, status, "no")
        self.shows[state.entity_id] = state.value
        self.attributes[state.entity_id] = state.attributes
        self.states += 1

    def resend_on_connect(self, _: object) -> None:
        pass

    def arrived(self) -> None:
        pass

    def failed(self, _: object) -> None:
        self.failures += 1


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def problems(clock: FakeClock) -> Problems:
    return Problems(clock)


Noted = dict[datetime, Collection[str]]


@pytest.fixture
def noted() -> Noted:
    return {}


@pytest.fixture
def publisher(
    core: Core, clock: FakeClock, problems: Problems, noted: Noted, tmp_path: Path
) -> StatePublisher:
    def note(_: str, moment: datetime, keys: Collection[str]) -> None:
        noted[moment] = keys

    home_assistant = cast("HomeAssistant", core)
    made = make_publisher(
        Options("id", "secret"), tmp_path, home_assistant, clock, problems, Delivery(note)
    )
    return cast("StatePublisher", made)


@pytest.fixture
async def works(publisher: StatePublisher) -> AsyncIterator[None]:
    async with running(publisher):
        yield


async def minutes(publisher: StatePublisher, clock: FakeClock, count: int) -> list[datetime]:
    """Send a reading each minute, and return their times."""
    moments = []
    for _ in range(count):
        moments.append(clock.now())
        publisher.offer(HOUSE, [Shown(key, f"{clock.now():%H:%M}") for key in KEYS])
        publisher.sent(HOUSE, clock.now())
        await clock.advance(60)
    return moments


@pytest.mark.usefixtures("works")
async def test_what_was_counted_today_says_since_when_though_its_value_is_the_same(
    publisher: StatePublisher, core: Core, clock: FakeClock
) -> None:
    key, name = "solar_generation_today", "sensor.house_solar_generation_today"
    for day in (2, 3):
        since = datetime(2026, 3, day, 14, tzinfo=UTC)
        publisher.offer(HOUSE, [Shown(key, 0.0, since=since)])
        await clock.advance(1)
        assert core.shows[name] == "0.0"
        assert core.attributes[name] == {
            "friendly_name": "House Solar Generation Today",
            "unit_of_measurement": "kWh",
            "device_class": "energy",
            "state_class": "total",
            "last_reset": since.isoformat(),
        }
    pushed = core.states
    publisher.offer(HOUSE, [Shown(key, 0.0, since=since)])
    await clock.advance(1)
    assert core.states == pushed


@pytest.mark.usefixtures("works")
@pytest.mark.parametrize("status", [400, 500, 503])
async def test_an_entity_that_is_always_rejected_keeps_no_minute_of_the_others_from_counting(
    publisher: StatePublisher,
    core: Core,
    clock: FakeClock,
    problems: Problems,
    noted: Noted,
    status: int,
) -> None:
    core.statuses[REJECTED] = status
    moments = await minutes(publisher, clock, 5)
    assert noted == dict.fromkeys(moments, frozenset(KEYS) - {"grid_power"})
    assert set(problems.now) == {(Kind.ENTITY, REJECTED)}
    assert core.failures == 0


@pytest.mark.usefixtures("works")
@pytest.mark.parametrize("status", [500, 503])
async def test_an_entity_that_is_accepted_again_counts_and_shows_its_newest_value(
    publisher: StatePublisher,
    core: Core,
    clock: FakeClock,
    problems: Problems,
    noted: Noted,
    status: int,
) -> None:
    core.statuses[REJECTED] = status
    await minutes(publisher, clock, 2)
    core.statuses.clear()
    await clock.advance(5)
    assert core.shows[REJECTED] == core.shows["sensor.house_status"]
    (moment,) = await minutes(publisher, clock, 1)
    assert noted[moment] == frozenset(KEYS)
    assert not problems.now


@pytest.mark.usefixtures("works")
async def test_no_minute_counts_while_core_is_away_though_it_rejected_one_before(
    publisher: StatePublisher, core: Core, clock: FakeClock, problems: Problems, noted: Noted
) -> None:
    core.statuses[REJECTED] = 500
    before = await minutes(publisher, clock, 2)
    core.statuses[None] = 502
    await minutes(publisher, clock, 3)
    assert list(noted) == before
    assert core.failures
    assert set(problems.now) == {(Kind.ENTITY, REJECTED)}


async def test_the_farewell_begins_with_the_counters_and_goes_on_in_the_sensors_order(
    publisher: StatePublisher, core: Core
) -> None:
    for device in (HOUSE, Device("RB2", "Shed")):
        publisher.offer(device, [Shown(key, 1.0) for key in KEYS])
    for device in (HOUSE, Device("RB2", "Shed")):
        publisher.offer(device, [Shown(key, is_available=False) for key in sorted(KEYS)])
    await publisher.farewell(asyncio.get_running_loop().time() + 60)
    assert set(core.shows.values()) == {"unavailable"}
    counter = "grid_import_total"
    assert list(core.shows) == [
        f"sensor.{name}_{key}"
        for key in (counter, *(key for key in KEYS if key != counter))
        for name in ("house", "shed")
    ]


async def test_the_farewell_retries_what_core_does_not_accept_at_once(
    publisher: StatePublisher, core: Core, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    core.statuses[None] = 502
    publisher.offer(HOUSE, [Shown(key, is_available=False) for key in KEYS])
    farewell = asyncio.create_task(publisher.farewell(asyncio.get_running_loop().time() + 60))
    await settle()
    core.statuses.clear()
    await clock.advance(1)
    assert farewell.done()
    assert len(core.shows) == len(KEYS)
    assert not caplog.records


async def test_the_farewell_logs_once_how_many_entities_keep_their_values(
    publisher: StatePublisher, core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    core.statuses[REJECTED] = 503
    async with running(publisher):
        publisher.offer(HOUSE, [Shown(key, is_available=False) for key in KEYS])
        await settle()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        await publisher.farewell(asyncio.get_running_loop().time())
    (line,) = caplog.messages
    assert line.startswith("1 of 6 entities ")
