"""That the states follow from the latest of each inverter, at the right moment."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from house import until
from polling import stand_ins
from redback.cloud import Dynamic
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.inverters.stores import SensorsFile, counters_file, sensors_file
from redback.ledger import RESET_BELOW, Believed, HourEnd, Ledger
from redback.problems import Kind, Problems
from redback.publishing.device import Device
from redback.publishing.entity_ids import entity_ids
from redback.publishing.states import state
from redback.sensors.details import Details
from redback.sensors.entities import Shown
from running import running

NAMED = {SERIAL: GivenName("Redback", "Redback")}


class World:
    """A registry, and what Core would be shown of it: values of entities, and how often."""

    def __init__(
        self,
        clock: FakeClock,
        folder: Path,
        existing: SensorsFile | None = None,
        *,
        detailed: bool = False,
        ledger: Ledger | None = None,
    ) -> None:
        self.believed = believed = counters_file(folder)
        believed.set(SERIAL, {"grid_import_total": Believed(1500.7, clock.now())})
        self.clock = clock
        self.problems = Problems(clock)
        self.existing = existing or sensors_file(folder)
        self.states: dict[str, str] = {}
        self.attributes: dict[str, Mapping[str, object]] = {}
        self.times = 0
        self.registry = Registry(
            clock,
            self.problems,
            believed,
            ledger or stand_ins.ledger(),
            self.existing,
            self,
            seen=lambda *_: None,
            detailed=detailed,
        )

    def read(self, reading: Dynamic) -> None:
        self.registry.dynamic({SERIAL: reading})

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        self.times += 1
        found = [state(device.name, one) for one in shown]
        self.states |= {one.entity_id: one.value for one in found}
        self.attributes |= {one.entity_id: one.attributes for one in found}

    def sent(self, device: Device, moment: datetime) -> None:
        pass

    def describe(self, *_: object) -> None:
        pass

    def __getitem__(self, name: str) -> str:
        return self.states[f"sensor.redback_{name}"]

    def __contains__(self, name: str) -> bool:
        return f"sensor.redback_{name}" in self.states


@pytest.fixture
async def world(clock: FakeClock, tmp_path: Path) -> AsyncIterator[World]:
    world = World(clock, tmp_path)
    world.registry.use(NAMED)
    async with running(world.registry):
        yield world


async def test_a_reading_is_shown_without_waiting_for_the_rest(world: World) -> None:
    world.read(dynamic())
    assert world["solar_generation"] == "3.0"
    assert "battery_capacity" not in world


async def test_what_comes_later_is_added_to_the_reading(world: World) -> None:
    world.read(dynamic())
    world.registry.describe(SERIAL, Details(static()))
    assert world["battery_capacity"] == "14.2"
    world.registry.describe(SERIAL, Details(static(), configuration()))
    assert world["min_soc"] == "20.0"


async def test_what_comes_earlier_waits_for_the_reading(world: World) -> None:
    world.registry.describe(SERIAL, Details(static()))
    assert not world.states
    world.read(dynamic())
    assert world["battery_capacity"] == "14.2"


async def test_a_reading_lapses_at_its_moment_without_anybody_asking(world: World) -> None:
    world.read(dynamic())
    lapse = (dynamic().timestamp + timedelta(minutes=10) - world.clock.now()).total_seconds()
    await world.clock.advance(lapse - 0.01)
    assert (world["status"], world["solar_generation"]) == ("OK", "3.0")
    await world.clock.advance(0.01)
    assert (world["status"], world["solar_generation"]) == ("OFFLINE", "unavailable")


async def test_what_was_counted_today_begins_anew_at_midnight_with_or_without_a_reading(
    clock: FakeClock, tmp_path: Path, place: Callable[[str], None]
) -> None:
    place("Australia/Brisbane")  # where midnight is at 14:00 UTC
    ledger = Ledger(tmp_path / "ledger.db")
    world = World(clock, tmp_path, detailed=True, ledger=ledger)

    def today() -> tuple[str, object]:
        name = "sensor.redback_grid_import_today"
        return world.states[name], world.attributes[name].get("last_reset")

    def read(kwh: float) -> None:
        at = clock.now().isoformat()
        world.read(dynamic(TimestampUtc=at, ImportAllTimeEnergykWh=kwh))

    midnight = datetime(2026, 3, 2, 14, tzinfo=UTC)
    before = midnight - timedelta(hours=24)
    await clock.advance((midnight - timedelta(minutes=12) - clock.now()).total_seconds())
    world.registry.use(NAMED)
    async with running(world.registry):
        read(1502)
        assert today() == ("unknown", before.isoformat())
        first = before - timedelta(hours=1)
        ledger.put(SERIAL, {"grid_import_total": [HourEnd(first, 1490.5)]})
        for minute in range(1, 3):
            await clock.advance(60)
            read(1502 + minute / 10)
        assert today() == ("11.7", before.isoformat())
        await clock.advance(15 * 60)
        assert today() == ("unknown", midnight.isoformat()), "nothing has been read on this day"
        read(1503.5)
        await clock.advance(60)
        read(1503.5)
        assert today()[1] == midnight.isoformat()
        assert 0 < float(today()[0]) < 1.3, "a part of what was counted over midnight"
    ledger.close()


@pytest.mark.parametrize(
    ("status", "why"),
    [("OK", "no reading for ten minutes"), ("Offline", "Redback's cloud says so")],
)
async def test_why_an_inverter_is_offline_is_said_once_however_often_it_is_read(
    world: World, status: str, why: str
) -> None:
    world.read(dynamic())
    for minute in range(1, 4):
        world.read(dynamic(Status=status))
        await world.clock.advance(60 if status == "Offline" else minute * 300)
    (problem,) = world.problems.now.values()
    assert problem.sentence == f"Redback is offline: {why}."
    assert problem.count == 1


async def test_one_that_is_no_longer_in_use_is_unavailable_and_has_no_problems(
    world: World,
) -> None:
    world.read(dynamic())
    await world.clock.advance(1200)
    assert set(world.problems.now) == {(Kind.OFFLINE, SERIAL)}
    world.registry.use({}, instead_of=[SERIAL])
    assert not world.problems.now
    world.read(dynamic(TimestampUtc=world.clock.now().isoformat()))  # was on its way
    assert set(world.states.values()) == {"unavailable"}
    await world.clock.advance(1200)
    assert set(world.states.values()) == {"unavailable"}
    assert not world.problems.now


async def test_the_successor_of_an_inverter_has_its_entities_and_nobody_elses(
    world: World,
) -> None:
    world.read(dynamic())
    world.registry.use({"RB9": GivenName("Redback", "Redback", (SERIAL,))}, instead_of=[SERIAL])
    assert set(world.states.values()) == {"unavailable"}
    await world.clock.advance(1200)
    assert world["status"] == "OFFLINE"  # as after a start
    world.registry.dynamic({"RB9": dynamic(TimestampUtc=world.clock.now().isoformat())})
    world.read(dynamic(TimestampUtc=world.clock.now().isoformat()))
    assert world["status"] == "OK"
    found = world.registry.inverter("RB9")
    assert found is not None
    assert found.is_successor
    world.registry.use({SERIAL: GivenName("Redback", "Redback 0022")})
    world.read(dynamic(TimestampUtc=world.clock.now().isoformat()))
    assert world.states["sensor.redback_0022_status"] == "OK"


async def test_one_that_is_almost_too_old_when_it_comes_lapses_at_its_moment_too(
    world: World,
) -> None:
    await world.clock.advance(1)  # the registry sleeps
    stamp = world.clock.now() - timedelta(minutes=9, seconds=58)
    world.read(dynamic(TimestampUtc=stamp.isoformat()))
    await world.clock.advance(1.9)
    assert world["status"] == "OK"
    await world.clock.advance(0.1)
    assert world["status"] == "OFFLINE"


async def test_a_clock_that_is_set_back_does_not_keep_old_values_on_show(world: World) -> None:
    world.read(dynamic())
    await world.clock.advance(1)
    world.clock.set_wall(world.clock.now() - timedelta(hours=3))
    await world.clock.advance(600)
    assert (world["status"], world["solar_generation"]) == ("OFFLINE", "unavailable")
    world.registry.describe(SERIAL, Details(static()))
    assert world["status"] == "OFFLINE"


async def test_a_first_reading_does_not_confirm_itself(world: World) -> None:
    world.read(dynamic(PvAllTimeEnergykWh=99999))
    world.registry.warm_up(SERIAL, [])
    assert "solar_generation_total" not in world
    world.registry.clear()
    world.read(dynamic(PvAllTimeEnergykWh=99999))
    assert "solar_generation_total" not in world


async def test_a_new_reading_brings_everything_back(world: World) -> None:
    world.read(dynamic())
    await world.clock.advance(3600)
    assert world["status"] == "OFFLINE"
    world.read(dynamic(TimestampUtc=world.clock.now().isoformat()))
    assert (world["status"], world["solar_generation"]) == ("OK", "3.0")


async def test_a_clock_that_is_set_forward_does_not_keep_old_values_on_show(world: World) -> None:
    world.read(dynamic())
    await world.clock.advance(1)
    world.clock.set_wall(world.clock.now() + timedelta(hours=1))
    await world.clock.advance(30)
    assert world["status"] == "OFFLINE"


async def test_the_same_reading_again_changes_nothing(world: World) -> None:
    world.read(dynamic())
    times = world.times
    world.read(dynamic(PvPowerInstantaneouskW=9.9))
    assert world.times == times
    assert world["solar_generation"] == "3.0"


async def test_a_status_that_changes_after_the_reading_is_shown_and_costs_no_value(
    world: World,
) -> None:
    world.read(dynamic())
    world.read(dynamic(Status="Fault", PvPowerInstantaneouskW=None))
    assert world["status"] == "FAULT"
    assert world["solar_generation"] == "3.0"
    world.read(dynamic(Status="Offline"))
    assert world["status"] == "OFFLINE"
    assert world["solar_generation"] == "unavailable"
    assert world["grid_import_total"] == "1500.75"
    world.read(dynamic(Status=None))
    assert world["status"] == "OFFLINE"
    world.read(dynamic())
    assert world["status"] == "OK"
    assert world["solar_generation"] == "3.0"


async def test_a_status_that_changes_does_not_revive_a_reading_that_has_lapsed(
    world: World,
) -> None:
    world.read(dynamic())
    world.clock.set_wall(world.clock.now() - timedelta(minutes=4))
    await world.clock.advance(600)
    world.read(dynamic(Status="Fault"))
    assert world["status"] == "OFFLINE"
    assert world["solar_generation"] == "unavailable"


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        ("2026-03-02T01:01:03Z", "ignored a reading (2026-03-02 01:01:03 UTC) older than"),
        ("2026-03-02T01:08:09Z", "ignored a reading from the future (2026-03-02 01:08:09 UTC)"),
    ],
)
async def test_a_reading_whose_time_cannot_be_right_is_ignored_and_logged_once(
    world: World, timestamp: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.read(dynamic())
    for _ in range(5):
        world.read(dynamic(TimestampUtc=timestamp, PvPowerInstantaneouskW=9.9))
    assert world["solar_generation"] == "3.0"
    (message,) = caplog.messages
    assert reason in message
    (problem,) = world.problems.now.values()
    assert (problem.subject, problem.count) == (SERIAL, 5)
    world.read(dynamic(TimestampUtc="2026-03-02T01:03:03Z"))
    assert not world.problems.now


async def test_a_counter_that_reads_zero_stands(world: World) -> None:
    world.read(dynamic())
    zero: dict[str, Any] = {"TimestampUtc": "2026-03-02T01:03:03Z", "ImportAllTimeEnergykWh": 0}
    world.read(dynamic(**zero))
    assert world["grid_import_total"] == "1500.75"
    assert world["last_reading"] == "2026-03-02T01:03:03+00:00"


async def test_all_is_unavailable_until_there_is_a_reading_again(world: World) -> None:
    world.read(dynamic())
    world.registry.clear()
    assert set(world.states.values()) == {"unavailable"}
    world.registry.describe(SERIAL, Details(static()))
    assert set(world.states.values()) == {"unavailable"}
    world.read(dynamic())
    assert world["grid_import_total"] == "1500.75"


def later(minutes: int, energy: float | None = 1500.75) -> Dynamic:
    """Return a reading of some minutes after the usual one."""
    stamp = dynamic().timestamp + timedelta(minutes=minutes)
    return dynamic(TimestampUtc=f"{stamp:%Y-%m-%dT%H:%M:%SZ}", PvAllTimeEnergykWh=energy)


async def test_a_counter_that_is_new_is_shown_once_a_second_reading_fits(world: World) -> None:
    world.read(later(0, 20000.4))
    assert "solar_generation_total" not in world
    await world.clock.advance(60)
    world.read(later(1, 20000.5))
    assert world["solar_generation_total"] == "20000.5"


async def test_the_minutes_before_the_first_reading_show_that_it_is_right(world: World) -> None:
    world.read(later(0, 20000.4))
    world.registry.warm_up(SERIAL, [later(-2, 20000.2), later(-1, 20000.3)])
    assert world["grid_import_total"] == "1500.75"
    assert world.registry.believed(SERIAL)


async def test_a_first_reading_that_is_a_glitch_is_found_out_by_the_minutes_before(
    world: World,
) -> None:
    world.read(later(0, 3.0))
    world.registry.warm_up(SERIAL, [later(-2, 20000.2), later(-1, 20000.3)])
    assert world["solar_generation_total"] == "20000.3"


async def test_what_is_recalled_before_there_is_a_reading_is_not_shown(world: World) -> None:
    world.registry.warm_up(SERIAL, [later(-2, 20000.2), later(-1, 20000.3)])
    assert world.states == {}
    world.read(later(0, 20000.4))
    assert world["grid_import_total"] == "1500.75"


class Counted(SensorsFile):
    """One that counts how often it is written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "sensors.json", dict[str, tuple[str, ...]], "")
        self.times = 0

    def write(self) -> None:
        self.times += 1
        super().write()


class TestOnDisk:
    """To write which entities there are holds everything up, and wears a small machine's disk."""

    SERIALS = tuple(f"RB2603010000{number:04}" for number in range(100))

    @pytest.fixture
    def fleet(self, clock: FakeClock, tmp_path: Path) -> Callable[[], tuple[Counted, Registry]]:
        """Make what is on disk, and the registry of a hundred inverters."""

        def start() -> tuple[Counted, Registry]:
            existing = Counted(tmp_path)
            registry = World(clock, tmp_path, existing, detailed=True).registry
            registry.use({serial: GivenName(serial, serial) for serial in self.SERIALS})
            return existing, registry

        return start

    async def test_many_new_inverters_are_written_once_and_at_once(
        self, fleet: Callable[[], tuple[Counted, Registry]], tmp_path: Path
    ) -> None:
        existing, registry = fleet()
        async with running(existing):
            await asyncio.sleep(0)  # it waits
            registry.dynamic(dict.fromkeys(self.SERIALS, later(0)))
            assert existing.times == 1
            assert all(sensors_file(tmp_path).get(serial) for serial in self.SERIALS)
            await asyncio.sleep(0.1)
            assert existing.times == 1

    async def test_after_a_restart_the_same_entities_are_not_written(
        self, fleet: Callable[[], tuple[Counted, Registry]]
    ) -> None:
        _, before = fleet()
        serial = self.SERIALS[0]
        before.dynamic({serial: later(0, None)})  # others are found in another order
        before.dynamic({serial: later(1)})
        before.describe(serial, Details(static()))
        existing, after = fleet()
        after.describe(serial, Details(static()))
        after.dynamic({serial: later(2)})
        assert existing.times == 0


class TestCountersOnDisk:
    """A memory card wears out; after a power cut the cloud tells again what only grew."""

    @staticmethod
    def on_disk(folder: Path) -> Mapping[str, Believed]:
        return counters_file(folder).get(SERIAL) or {}

    @pytest.fixture
    async def grows(self, clock: FakeClock, tmp_path: Path) -> AsyncIterator[World]:
        """Return one whose files are written as in the service; later(0) is at 01:02:03 UTC."""
        world = World(clock, tmp_path)
        world.registry.use(NAMED)
        async with running(world.believed):
            yield world

    async def takes(self, world: World, folder: Path, readings: Iterable[Dynamic]) -> None:
        for reading in readings:
            await world.clock.advance((reading.timestamp - world.clock.now()).total_seconds())
            world.read(reading)
            # A thread writes.
            await until(lambda: self.on_disk(folder) == (world.believed.get(SERIAL) or {}))

    async def test_one_that_only_grows_is_written_every_quarter_of_an_hour(
        self, grows: World, tmp_path: Path
    ) -> None:
        written: set[datetime] = set()
        for minute in range(31):
            await self.takes(grows, tmp_path, [later(minute, 1500 + minute / 100)])
            written.add(max(one.at for one in self.on_disk(tmp_path).values()))
            assert minute == 0 or grows["solar_generation_total"] == str(1500 + minute / 100)
        # The first ones, until all are believed, and then 01:15 and 01:30.
        assert [one.minute for one in sorted(written)[-2:]] == [15, 30]
        assert len(written) <= 4
        grows.registry.close()
        assert self.on_disk(tmp_path) == grows.registry.believed(SERIAL)

    async def test_one_that_is_believed_for_the_first_time_is_written_at_once(
        self, grows: World, tmp_path: Path
    ) -> None:
        await self.takes(grows, tmp_path, [later(0), later(1)])
        assert self.on_disk(tmp_path).keys() == grows.registry.believed(SERIAL).keys()

    async def test_a_step_is_written_before_core_is_told(
        self, grows: World, tmp_path: Path
    ) -> None:
        await self.takes(grows, tmp_path, [later(minute) for minute in range(3)])
        shown: list[float] = []

        def offer(*_: object) -> None:
            shown.append(self.on_disk(tmp_path)["solar_generation_total"].value)

        grows.offer = offer  # type: ignore[assignment, method-assign]
        await self.takes(
            grows, tmp_path, [later(3 + minute, 7 + minute / 100) for minute in range(5)]
        )
        assert shown[0] == 1500.75
        assert 7 < shown[-1] < 8

    @pytest.mark.parametrize("stays", [7, None])
    async def test_one_that_does_not_go_on_is_written_at_once(
        self, grows: World, tmp_path: Path, stays: float | None
    ) -> None:
        """A power cut meanwhile would let Core see a former value for as long as it stays."""
        await self.takes(grows, tmp_path, [later(minute, 1500 + minute) for minute in range(5)])
        assert grows["solar_generation_total"] == "1504.0"
        await self.takes(grows, tmp_path, [later(5, stays)])
        assert grows["solar_generation_total"] == "1504.0"
        assert self.on_disk(tmp_path)["solar_generation_total"].value == 1504

    async def test_one_without_a_reading_is_written_when_it_lapses(
        self, grows: World, tmp_path: Path
    ) -> None:
        async with running(grows.registry):
            await self.takes(grows, tmp_path, [later(minute, 1500 + minute) for minute in range(5)])
            await grows.clock.advance(15 * 60)
            await until(lambda: self.on_disk(tmp_path) == grows.registry.believed(SERIAL))

    async def test_what_a_full_disk_did_not_take_is_written_with_the_next_reading(
        self, grows: World, tmp_path: Path
    ) -> None:
        await self.takes(grows, tmp_path, [later(minute) for minute in range(3)])
        obstacle = tmp_path / ".counters.json.new"
        obstacle.mkdir()
        for minute in range(3, 8):
            grows.read(later(minute, 7 + minute / 100))
        assert self.on_disk(tmp_path)["solar_generation_total"].value == 1500.75
        obstacle.rmdir()
        await self.takes(grows, tmp_path, [later(8, 7.08)])
        assert self.on_disk(tmp_path)["solar_generation_total"].value == 7.08

    async def test_after_a_power_cut_core_does_not_take_a_young_counter_for_a_new_one(
        self, grows: World, tmp_path: Path
    ) -> None:
        """It may be shown what was written last, until a reading confirms a higher value."""
        for minute in range(10):
            await self.takes(grows, tmp_path, [later(minute, 0.1 + minute / 20)])
            shown = float(grows["solar_generation_total"]) if minute else 0.0
            kept = self.on_disk(tmp_path).get("solar_generation_total")
            assert (kept.value if kept else 0.0) >= RESET_BELOW * shown


class TestAfterAKill:
    """Core still shows what the former run pushed last."""

    @pytest.fixture(autouse=True)
    def former(self, tmp_path: Path, clock: FakeClock) -> None:
        """Let a former run have had all entities."""
        existing = sensors_file(tmp_path)
        before = World(clock, tmp_path / "other", existing, detailed=True)
        before.registry.use(NAMED)
        before.registry.describe(SERIAL, Details(static(), configuration()))
        before.read(later(0))
        before.read(later(1))
        existing.write()

    @pytest.fixture
    def unnamed(self, clock: FakeClock, tmp_path: Path) -> World:
        """Return one that does not know yet which inverters are in use."""
        return World(clock, tmp_path, detailed=True)

    async def test_refused_credentials_make_everything_unavailable(self, world: World) -> None:
        world.registry.clear()
        assert set(world.states.values()) == {"unavailable"}
        assert len(world.states) > 50

    async def test_without_a_first_reading_measurements_lapse_at_ten_minutes_and_counters_stand(
        self, world: World
    ) -> None:
        await world.clock.advance(599)
        assert world.states == {}
        await world.clock.advance(1)
        assert world["solar_generation"] == "unavailable"
        assert world["status"] == "OFFLINE"
        assert "solar_generation_total" not in world
        assert "battery_capacity" not in world

    async def test_the_entities_of_the_former_run_are_known_before_a_reading(
        self, world: World
    ) -> None:
        assert world.registry.inverter(SERIAL) is None
        known = world.registry.known(SERIAL)
        assert known is not None
        ((_, keys),) = (world.existing.get(SERIAL) or {}).items()
        assert entity_ids(known).keys() == {*keys}
        world.read(dynamic())
        assert world.registry.known(SERIAL) == world.registry.inverter(SERIAL)

    async def test_what_the_first_reading_has_no_value_for_is_unknown(self, world: World) -> None:
        world.read(dynamic(PvPowerInstantaneouskW=None))
        assert world["solar_generation"] == "unknown"

    async def test_a_fact_that_comes_later_is_not_touched(self, world: World) -> None:
        world.read(dynamic())
        assert "battery_capacity" not in world
        world.registry.describe(SERIAL, Details(static()))
        assert world["battery_capacity"] == "14.2"

    async def test_what_there_is_no_more_becomes_unavailable_and_is_forgotten(
        self, world: World
    ) -> None:
        world.read(dynamic())  # the detailed sensors have been switched off
        assert world["software_version"] == "unavailable"
        ((name, keys),) = (world.existing.get(SERIAL) or {}).items()
        assert name == "Redback"
        assert "software_version" not in keys
        assert "battery_capacity" in keys

    @pytest.mark.parametrize("name", ["redback", "REDBACK!"])
    async def test_a_name_with_the_same_entity_ids_changes_nothing(
        self, unnamed: World, name: str
    ) -> None:
        unnamed.registry.use({SERIAL: GivenName(name, name)})
        assert unnamed.states == {}
        unnamed.read(dynamic(PvPowerInstantaneouskW=None))
        assert unnamed["solar_generation"] == "unknown"
        assert "battery_capacity" not in unnamed  # it comes soon
        ((saved, keys),) = (unnamed.existing.get(SERIAL) or {}).items()
        assert saved == name
        assert "battery_capacity" in keys

    async def test_the_entities_of_another_one_that_has_the_name_now_stay(
        self, unnamed: World
    ) -> None:
        unnamed.registry.use({"RB2": GivenName("Redback", "Redback")})
        unnamed.registry.use({SERIAL: GivenName("Shed", "Shed")})
        assert unnamed.states == {}

    async def test_what_had_another_name_becomes_unavailable_at_once(self, unnamed: World) -> None:
        unnamed.registry.use({SERIAL: GivenName("House", "House")})
        assert len(unnamed.states) > 50
        assert set(unnamed.states.values()) == {"unavailable"}
        unnamed.read(dynamic())
        assert unnamed["solar_generation"] == "unavailable"
        assert unnamed.states["sensor.house_solar_generation"] == "3.0"
        assert (unnamed.existing.get(SERIAL) or {}).keys() == {"House"}
