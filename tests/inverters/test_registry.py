"""That the states follow from the latest of each inverter, at the right moment."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from redback.cloud import Dynamic
from redback.inverters.counters import Believed
from redback.inverters.naming import GivenName
from redback.inverters.registry import Registry
from redback.inverters.stores import CountersFile, SensorsFile, counters_file, sensors_file
from redback.problems import Kind, Problems
from redback.publishing.publisher import Device
from redback.publishing.states import state
from redback.sensors.details import Details
from redback.sensors.entities import Shown


class Offered:
    """What Core would be shown, and how often something was offered."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.times = 0

    def offer(self, device: Device, shown: Iterable[Shown]) -> None:
        self.times += 1
        found = (state(device.name, one) for one in shown)
        self.states |= {one.entity_id: one.value for one in found}

    def sent(self, serial: str, moment: datetime) -> None:
        pass

    def __getitem__(self, name: str) -> str:
        return self.states[f"sensor.redback_{name}"]

    def __contains__(self, name: str) -> bool:
        return f"sensor.redback_{name}" in self.states


def _ignore(*_: object) -> None:
    """Take what this test is not about."""


@pytest.fixture
def offered() -> Offered:
    return Offered()


@pytest.fixture
def problems(clock: FakeClock) -> Problems:
    return Problems(clock)


@pytest.fixture
def believed(clock: FakeClock, tmp_path: Path) -> CountersFile:
    file = counters_file(tmp_path)
    file.set(SERIAL, {"grid_import_total": Believed(1500.7, clock.now())})
    return file


@pytest.fixture
def existing(tmp_path: Path) -> SensorsFile:
    return sensors_file(tmp_path)


@pytest.fixture
async def registry(
    clock: FakeClock,
    problems: Problems,
    offered: Offered,
    believed: CountersFile,
    existing: SensorsFile,
) -> AsyncIterator[Registry]:
    registry = Registry(clock, problems, believed, existing, offered, seen=_ignore, detailed=False)
    registry.use({SERIAL: GivenName("Redback", "Redback")})
    task = asyncio.create_task(registry.run())
    yield registry
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_reading_is_shown_without_waiting_for_the_rest(
    registry: Registry, offered: Offered
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    assert offered["solar_generation"] == "3.0"
    assert "battery_capacity" not in offered


async def test_what_comes_later_is_added_to_the_reading(
    registry: Registry, offered: Offered
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    registry.describe(SERIAL, Details(static()))
    assert offered["battery_capacity"] == "14.2"
    registry.describe(SERIAL, Details(static(), configuration()))
    assert offered["min_soc"] == "20.0"


async def test_what_comes_earlier_waits_for_the_reading(
    registry: Registry, offered: Offered
) -> None:
    registry.describe(SERIAL, Details(static()))
    assert not offered.states
    registry.dynamic({SERIAL: dynamic()})
    assert offered["battery_capacity"] == "14.2"


async def test_a_reading_lapses_at_its_moment_without_anybody_asking(
    registry: Registry, offered: Offered, clock: FakeClock
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    lapse = (dynamic().timestamp + timedelta(minutes=10) - clock.now()).total_seconds()
    await clock.advance(lapse - 0.01)
    assert (offered["status"], offered["solar_generation"]) == ("OK", "3.0")
    await clock.advance(0.01)
    assert (offered["status"], offered["solar_generation"]) == ("OFFLINE", "unavailable")


async def test_the_problems_of_an_inverter_end_when_it_is_no_longer_in_use(
    registry: Registry, problems: Problems, offered: Offered, clock: FakeClock
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    await clock.advance(1200)
    assert set(problems.now) == {(Kind.OFFLINE, SERIAL)}
    registry.use({}, instead_of=[SERIAL])
    assert not problems.now
    registry.dynamic({SERIAL: dynamic(TimestampUtc=clock.now().isoformat())})
    assert offered["status"] == "OK"
    await clock.advance(1200)
    assert offered["status"] == "OFFLINE"
    assert not problems.now


async def test_one_that_is_almost_too_old_when_it_comes_lapses_at_its_moment_too(
    registry: Registry, offered: Offered, clock: FakeClock
) -> None:
    await clock.advance(1)  # the registry sleeps
    stamp = clock.now() - timedelta(minutes=9, seconds=58)
    registry.dynamic({SERIAL: dynamic(TimestampUtc=stamp.isoformat())})
    await clock.advance(1.9)
    assert offered["status"] == "OK"
    await clock.advance(0.1)
    assert offered["status"] == "OFFLINE"


async def test_a_clock_that_is_set_back_does_not_keep_old_values_on_show(
    registry: Registry, offered: Offered, clock: FakeClock
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    await clock.advance(1)
    clock.set_wall(clock.now() - timedelta(hours=3))
    await clock.advance(600)
    assert (offered["status"], offered["solar_generation"]) == ("OFFLINE", "unavailable")
    registry.describe(SERIAL, Details(static()))
    assert offered["status"] == "OFFLINE"


async def test_a_first_reading_does_not_confirm_itself(
    registry: Registry, offered: Offered
) -> None:
    registry.dynamic({SERIAL: dynamic(PvAllTimeEnergykWh=99999)})
    registry.warm_up(SERIAL, [])
    assert "solar_generation_total" not in offered
    registry.clear()
    registry.dynamic({SERIAL: dynamic(PvAllTimeEnergykWh=99999)})
    assert "solar_generation_total" not in offered


async def test_a_new_reading_brings_everything_back(
    registry: Registry, offered: Offered, clock: FakeClock
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    await clock.advance(3600)
    assert offered["status"] == "OFFLINE"
    registry.dynamic({SERIAL: dynamic(TimestampUtc=clock.now().isoformat())})
    assert (offered["status"], offered["solar_generation"]) == ("OK", "3.0")


async def test_a_clock_that_is_set_forward_does_not_keep_old_values_on_show(
    registry: Registry, offered: Offered, clock: FakeClock
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    await clock.advance(1)
    clock.set_wall(clock.now() + timedelta(hours=1))
    await clock.advance(30)
    assert offered["status"] == "OFFLINE"


async def test_the_same_reading_again_changes_nothing(registry: Registry, offered: Offered) -> None:
    registry.dynamic({SERIAL: dynamic()})
    times = offered.times
    registry.dynamic({SERIAL: dynamic(PvPowerInstantaneouskW=9.9)})
    assert offered.times == times
    assert offered["solar_generation"] == "3.0"


async def test_a_status_that_changes_after_the_reading_is_shown_and_costs_no_value(
    registry: Registry, offered: Offered
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    registry.dynamic({SERIAL: dynamic(Status="Fault", PvPowerInstantaneouskW=None)})
    assert offered["status"] == "FAULT"
    assert offered["solar_generation"] == "3.0"
    registry.dynamic({SERIAL: dynamic(Status="Offline")})
    assert offered["status"] == "OFFLINE"
    assert offered["solar_generation"] == "unavailable"
    assert offered["grid_import_total"] == "1500.75"
    registry.dynamic({SERIAL: dynamic(Status=None)})
    assert offered["status"] == "OFFLINE"
    registry.dynamic({SERIAL: dynamic()})
    assert offered["status"] == "OK"
    assert offered["solar_generation"] == "3.0"


async def test_a_status_that_changes_does_not_revive_a_reading_that_has_lapsed(
    registry: Registry, offered: Offered, clock: FakeClock
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    clock.set_wall(clock.now() - timedelta(minutes=4))
    await clock.advance(600)
    registry.dynamic({SERIAL: dynamic(Status="Fault")})
    assert offered["status"] == "OFFLINE"
    assert offered["solar_generation"] == "unavailable"


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        ("2026-03-02T01:01:03Z", "ignored a reading (2026-03-02 01:01:03 UTC) older than"),
        ("2026-03-02T01:08:09Z", "ignored a reading from the future (2026-03-02 01:08:09 UTC)"),
    ],
)
async def test_a_reading_whose_time_cannot_be_right_is_ignored_and_logged_once(
    registry: Registry,
    offered: Offered,
    problems: Problems,
    timestamp: str,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    for _ in range(5):
        registry.dynamic({SERIAL: dynamic(TimestampUtc=timestamp, PvPowerInstantaneouskW=9.9)})
    assert offered["solar_generation"] == "3.0"
    (message,) = caplog.messages
    assert reason in message
    (problem,) = problems.now.values()
    assert (problem.subject, problem.count) == (SERIAL, 5)
    registry.dynamic({SERIAL: dynamic(TimestampUtc="2026-03-02T01:03:03Z")})
    assert not problems.now


async def test_a_counter_that_reads_zero_stands(registry: Registry, offered: Offered) -> None:
    registry.dynamic({SERIAL: dynamic()})
    zero: dict[str, Any] = {"TimestampUtc": "2026-03-02T01:03:03Z", "ImportAllTimeEnergykWh": 0}
    registry.dynamic({SERIAL: dynamic(**zero)})
    assert offered["grid_import_total"] == "1500.75"
    assert offered["last_reading"] == "2026-03-02T01:03:03+00:00"


async def test_all_is_unavailable_until_there_is_a_reading_again(
    registry: Registry, offered: Offered
) -> None:
    registry.dynamic({SERIAL: dynamic()})
    registry.clear()
    assert set(offered.states.values()) == {"unavailable"}
    registry.describe(SERIAL, Details(static()))
    assert set(offered.states.values()) == {"unavailable"}
    registry.dynamic({SERIAL: dynamic()})
    assert offered["grid_import_total"] == "1500.75"


def later(minutes: int, energy: float | None = 1500.75) -> Dynamic:
    """Return a reading of so many minutes after the usual one."""
    stamp = dynamic().timestamp + timedelta(minutes=minutes)
    return dynamic(TimestampUtc=f"{stamp:%Y-%m-%dT%H:%M:%SZ}", PvAllTimeEnergykWh=energy)


async def test_a_counter_that_is_new_is_shown_once_a_second_reading_fits(
    registry: Registry, offered: Offered, clock: FakeClock
) -> None:
    registry.dynamic({SERIAL: later(0, 20000.4)})
    assert "solar_generation_total" not in offered
    await clock.advance(60)
    registry.dynamic({SERIAL: later(1, 20000.5)})
    assert offered["solar_generation_total"] == "20000.5"


async def test_the_minutes_before_the_first_reading_show_that_it_is_right(
    registry: Registry, offered: Offered
) -> None:
    registry.dynamic({SERIAL: later(0, 20000.4)})
    registry.warm_up(SERIAL, [later(-2, 20000.2), later(-1, 20000.3)])
    assert offered["grid_import_total"] == "1500.75"
    assert registry.believed(SERIAL)


async def test_a_first_reading_that_is_a_glitch_is_found_out_by_the_minutes_before(
    registry: Registry, offered: Offered
) -> None:
    registry.dynamic({SERIAL: later(0, 3.0)})
    registry.warm_up(SERIAL, [later(-2, 20000.2), later(-1, 20000.3)])
    assert offered["solar_generation_total"] == "20000.3"


async def test_what_is_recalled_before_there_is_a_reading_is_not_shown(
    registry: Registry, offered: Offered
) -> None:
    registry.warm_up(SERIAL, [later(-2, 20000.2), later(-1, 20000.3)])
    assert offered.states == {}
    registry.dynamic({SERIAL: later(0, 20000.4)})
    assert offered["grid_import_total"] == "1500.75"


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

    def registry(
        self, existing: Counted, folder: Path, clock: FakeClock, problems: Problems
    ) -> Registry:
        registry = Registry(
            clock,
            problems,
            counters_file(folder),
            existing,
            Offered(),
            seen=_ignore,
            detailed=True,
        )
        registry.use({serial: GivenName(serial, serial) for serial in self.SERIALS})
        return registry

    async def test_many_new_inverters_are_written_once(
        self, tmp_path: Path, clock: FakeClock, problems: Problems
    ) -> None:
        existing = Counted(tmp_path)
        registry = self.registry(existing, tmp_path, clock, problems)
        registry.dynamic(dict.fromkeys(self.SERIALS, later(0)))
        assert existing.times == 1
        assert all(sensors_file(tmp_path).get(serial) for serial in self.SERIALS)

    async def test_what_was_written_at_once_is_not_written_again(
        self, tmp_path: Path, clock: FakeClock, problems: Problems
    ) -> None:
        existing = Counted(tmp_path)
        task = asyncio.create_task(existing.run())
        await asyncio.sleep(0)  # it waits
        self.registry(existing, tmp_path, clock, problems).dynamic(
            dict.fromkeys(self.SERIALS, later(0))
        )
        await asyncio.sleep(0.1)
        assert existing.times == 1
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def test_after_a_restart_the_same_entities_are_not_written(
        self, tmp_path: Path, clock: FakeClock, problems: Problems
    ) -> None:
        before = self.registry(Counted(tmp_path), tmp_path, clock, problems)
        serial = self.SERIALS[0]
        before.dynamic({serial: later(0, None)})  # others are found in another order
        before.dynamic({serial: later(1)})
        before.describe(serial, Details(static()))
        existing = Counted(tmp_path)
        after = self.registry(existing, tmp_path, clock, problems)
        after.describe(serial, Details(static()))
        after.dynamic({serial: later(2)})
        assert existing.times == 0


class TestAfterAKill:
    """Core still shows what the former run pushed last."""

    @pytest.fixture
    def existing(self, tmp_path: Path, clock: FakeClock, problems: Problems) -> SensorsFile:
        existing = sensors_file(tmp_path)
        believed = counters_file(tmp_path / "other")
        before = Registry(
            clock,
            problems,
            believed,
            existing,
            Offered(),
            seen=_ignore,
            detailed=True,
        )
        before.use({SERIAL: GivenName("Redback", "Redback")})
        before.describe(SERIAL, Details(static(), configuration()))
        before.dynamic({SERIAL: later(0)})
        before.dynamic({SERIAL: later(1)})
        existing.write()
        return sensors_file(tmp_path)

    @pytest.fixture
    def unnamed(
        self,
        clock: FakeClock,
        problems: Problems,
        offered: Offered,
        believed: CountersFile,
        existing: SensorsFile,
    ) -> Registry:
        """Return one that does not know yet which inverters are in use."""
        return Registry(clock, problems, believed, existing, offered, seen=_ignore, detailed=True)

    async def test_refused_credentials_make_everything_unavailable(
        self, registry: Registry, offered: Offered
    ) -> None:
        registry.clear()
        assert set(offered.states.values()) == {"unavailable"}
        assert len(offered.states) > 50

    @pytest.mark.usefixtures("registry")
    async def test_without_a_first_reading_measurements_lapse_at_ten_minutes_and_counters_stand(
        self, offered: Offered, clock: FakeClock
    ) -> None:
        await clock.advance(599)
        assert offered.states == {}
        await clock.advance(1)
        assert offered["solar_generation"] == "unavailable"
        assert offered["status"] == "OFFLINE"
        assert "solar_generation_total" not in offered
        assert "battery_capacity" not in offered

    async def test_what_the_first_reading_has_no_value_for_is_unknown(
        self, registry: Registry, offered: Offered
    ) -> None:
        registry.dynamic({SERIAL: dynamic(PvPowerInstantaneouskW=None)})
        assert offered["solar_generation"] == "unknown"

    async def test_a_fact_that_comes_later_is_not_touched(
        self, registry: Registry, offered: Offered
    ) -> None:
        registry.dynamic({SERIAL: dynamic()})
        assert "battery_capacity" not in offered
        registry.describe(SERIAL, Details(static()))
        assert offered["battery_capacity"] == "14.2"

    async def test_what_there_is_no_more_becomes_unavailable_and_is_forgotten(
        self, registry: Registry, offered: Offered, existing: SensorsFile
    ) -> None:
        registry.dynamic({SERIAL: dynamic()})  # the detailed sensors have been switched off
        assert offered["software_version"] == "unavailable"
        ((name, keys),) = (existing.get(SERIAL) or {}).items()
        assert name == "Redback"
        assert "software_version" not in keys
        assert "battery_capacity" in keys

    @pytest.mark.parametrize("name", ["redback", "REDBACK!"])
    async def test_a_name_with_the_same_entity_ids_changes_nothing(
        self, unnamed: Registry, offered: Offered, existing: SensorsFile, name: str
    ) -> None:
        unnamed.use({SERIAL: GivenName(name, name)})
        assert offered.states == {}
        unnamed.dynamic({SERIAL: dynamic(PvPowerInstantaneouskW=None)})
        assert offered["solar_generation"] == "unknown"
        assert "battery_capacity" not in offered  # it comes soon
        ((saved, keys),) = (existing.get(SERIAL) or {}).items()
        assert saved == name
        assert "battery_capacity" in keys

    async def test_the_entities_of_another_one_that_has_the_name_now_stay(
        self, unnamed: Registry, offered: Offered
    ) -> None:
        unnamed.use({"RB2": GivenName("Redback", "Redback")})
        unnamed.use({SERIAL: GivenName("Shed", "Shed")})
        assert offered.states == {}

    async def test_what_had_another_name_becomes_unavailable_at_once(
        self, unnamed: Registry, offered: Offered, existing: SensorsFile
    ) -> None:
        unnamed.use({SERIAL: GivenName("House", "House")})
        assert len(offered.states) > 50
        assert set(offered.states.values()) == {"unavailable"}
        unnamed.dynamic({SERIAL: dynamic()})
        assert offered["solar_generation"] == "unavailable"
        assert offered.states["sensor.house_solar_generation"] == "3.0"
        assert (existing.get(SERIAL) or {}).keys() == {"House"}
