"""That the picture of the day is complete, and its sums are those of the counters."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from examples import SERIAL, decoded, payload
from fake_clock import FakeClock
from redback.cloud import Dynamic
from redback.inverters.inverter import Inverter
from redback.panel.minutes import FILE, Minutes, local_day
from redback.sensors.entities import Entities

OTHER = "RB26030100000022"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_COUNTERS = {
    "solar": "PvAllTimeEnergykWh",
    "load": "LoadAllTimeEnergykWh",
    "imported": "ImportAllTimeEnergykWh",
    "exported": "ExportAllTimeEnergykWh",
}


@pytest.fixture(autouse=True)
def brisbane(place: Callable[[str], None]) -> None:
    """Have the house where midnight is 14:00 UTC."""
    place("Australia/Brisbane")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def minutes(tmp_path: Path, clock: FakeClock) -> Iterator[Minutes]:
    made = Minutes(tmp_path / FILE, clock)
    yield made
    made.close()


def inverter(serial: str = SERIAL) -> Inverter:
    return Inverter(serial, "House", Entities(detailed=False))


def reading(at: datetime, power: float = 2.0, **counters: float) -> Dynamic:
    """Make what an inverter does, with these counters (kWh) and this power of the sun (kW)."""
    changes: dict[str, object] = dict.fromkeys(_COUNTERS.values(), 0.0)
    changes |= {_COUNTERS[name]: value for name, value in counters.items()}
    changes |= {"TimestampUtc": f"{at:%Y-%m-%dT%H:%M:%SZ}", "PvPowerInstantaneouskW": power}
    return decoded(payload("three_phase_battery") | changes)


def test_a_day_is_shown_minute_by_minute(minutes: Minutes) -> None:
    minutes.seen(inverter(), [reading(NOON - MINUTE, 2.5), reading(NOON, 3.0)])
    day = minutes.day([SERIAL])
    assert day.at == [int((NOON - MINUTE).timestamp()), int(NOON.timestamp())]
    assert day.solar == [2.5, 3.0]
    assert (day.end - day.start) == timedelta(days=1)


def test_what_comes_late_takes_its_place(minutes: Minutes) -> None:
    minutes.seen(inverter(), [reading(NOON, 3.0)])
    minutes.seen(inverter(), [reading(NOON - 30 * MINUTE, 1.0), reading(NOON, 3.1)])
    assert minutes.day([SERIAL]).solar == [1.0, 3.1]


def test_the_energy_of_a_day_is_what_its_counters_have_grown_by(minutes: Minutes) -> None:
    morning = reading(NOON - 60 * MINUTE, solar=100.0, load=200.0, imported=50.0, exported=70.0)
    noon = reading(NOON, solar=104.0, load=205.0, imported=52.0, exported=71.0)
    minutes.seen(inverter(), [morning, noon])
    energy = minutes.today(SERIAL)
    assert (energy.solar_kwh, energy.load_kwh) == (4.0, 5.0)
    assert (energy.import_kwh, energy.export_kwh) == (2.0, 1.0)
    assert energy.self_consumption == 75.0  # three of the four that the sun gave
    assert energy.self_sufficiency == 60.0  # three of the five that the house took
    assert energy.since == NOON - 60 * MINUTE


def test_the_energy_of_a_day_begins_with_the_last_minute_before_it(
    minutes: Minutes, clock: FakeClock
) -> None:
    midnight, _ = local_day(clock.now())
    minutes.seen(
        inverter(),
        [
            reading(midnight - 60 * MINUTE, load=10.0),
            reading(midnight - MINUTE, load=11.0),
            reading(midnight + MINUTE, load=11.5),
        ],
    )
    assert minutes.today(SERIAL).load_kwh == 0.5
    assert minutes.today(SERIAL).since is None
    assert minutes.day([SERIAL]).at == [int((midnight + MINUTE).timestamp())]


def test_a_counter_that_begins_anew_adds_what_it_shows(minutes: Minutes) -> None:
    shown = (4000.0, 4001.0, 0.5, 1.0)
    minutes.seen(
        inverter(),
        [reading(NOON + number * MINUTE, load=value) for number, value in enumerate(shown)],
    )
    assert minutes.today(SERIAL).load_kwh == 2.0


def test_a_day_of_several_inverters_is_their_sum(minutes: Minutes) -> None:
    minutes.seen(
        inverter(), [reading(NOON, 2.0, load=10.0), reading(NOON + MINUTE, 3.0, load=11.0)]
    )
    minutes.seen(inverter(OTHER), [reading(NOON, 0.5, load=5.0)])
    both = minutes.day([SERIAL, OTHER])
    assert both.solar == [2.5, 3.5]
    assert both.energy.load_kwh == 1.0


async def test_at_midnight_a_new_day_begins(minutes: Minutes, clock: FakeClock) -> None:
    minutes.seen(inverter(), [reading(NOON, load=1.0), reading(NOON + MINUTE, load=2.0)])
    assert minutes.today(SERIAL).load_kwh == 1.0
    await clock.advance(2 * 3600)
    assert minutes.today(SERIAL).load_kwh is None
    assert minutes.day([SERIAL]).at == []


async def test_what_is_two_days_old_is_forgotten(
    minutes: Minutes, clock: FakeClock, tmp_path: Path
) -> None:
    day = [reading(NOON - number * MINUTE) for number in range(1440)]
    minutes.seen(inverter(), day)
    await clock.advance(3 * 86400)
    minutes.seen(inverter(), [*day, reading(clock.now())])
    assert minutes._database.read("SELECT count(*) FROM minute") == [(1,)]  # noqa: SLF001 - what is kept shows nowhere else
    assert (tmp_path / FILE).stat().st_size < 500_000


def test_it_survives_the_end_of_the_process(tmp_path: Path, clock: FakeClock) -> None:
    before = Minutes(tmp_path / FILE, clock)
    before.seen(inverter(), [reading(NOON)])
    after = Minutes(tmp_path / FILE, clock)  # before the other is closed, as after a kill
    assert after.day([SERIAL]).solar == [2.0]
    before.close()
    after.close()


def test_a_damaged_file_costs_the_picture_alone(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    minutes = Minutes(tmp_path / FILE, clock)
    minutes.seen(inverter(), [reading(NOON)])
    assert minutes.day([SERIAL]).solar == [2.0]
    assert "minutes.db is damaged: it is set aside as minutes.damaged" in caplog.text
    minutes.close()


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-04-04", 24), ("2026-04-05", 25), ("2026-10-04", 23)]
)
def test_a_day_has_as_many_hours_as_its_place_gives_it(
    day: str, hours: int, place: Callable[[str], None]
) -> None:
    place("Australia/Sydney")
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo("Australia/Sydney"))
    start, end = local_day(noon.astimezone(UTC))
    assert (end - start) == timedelta(hours=hours)
    assert start <= noon < end
