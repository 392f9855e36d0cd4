"""That the picture of the day is complete, and its sums are those of the counters."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from examples import SERIAL, decoded, payload
from fake_clock import FakeClock
from redback.cloud import Dynamic
from redback.inverters.inverter import Inverter
from redback.ledger import local_day
from redback.panel.minutes import FILE, Day, Minutes
from redback.sensors.entities import Entities
from sqlite_file import opened

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
    assert minutes.day([SERIAL]).solar == [1.0, None, 3.1]


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


def test_a_total_is_unknown_while_a_part_of_it_is(minutes: Minutes) -> None:
    minutes.seen(inverter(), [reading(NOON, 2.0), reading(NOON + MINUTE, 3.0)])
    null = msgspec.structs.replace(reading(NOON), pv_power_kw=None)
    minutes.seen(inverter(OTHER), [null, reading(NOON + MINUTE, 0.5)])
    assert minutes.day([SERIAL, OTHER]).solar == [None, 3.5]


def test_grid_and_load_are_of_all_inverters_or_unknown(minutes: Minutes) -> None:
    minutes.seen(inverter(), [reading(NOON, load=10.0), reading(NOON + MINUTE, load=11.0)])
    for at in (NOON, NOON + MINUTE):
        null = msgspec.structs.replace(reading(at), load_all_time_energy_kwh=None, phases={})
        minutes.seen(inverter(OTHER), [null])
    both = minutes.day([SERIAL, OTHER])
    assert both.load == both.grid == [None, None]
    assert None not in both.solar


def test_batteries_have_no_common_charge_even_where_only_one_is_known(minutes: Minutes) -> None:
    minutes.seen(inverter(), [reading(NOON), reading(NOON + MINUTE)])
    null = msgspec.structs.replace(reading(NOON), battery_soc_0_to_1=None)
    minutes.seen(inverter(OTHER), [null, reading(NOON + MINUTE)])
    assert minutes.day([SERIAL, OTHER]).soc == [None, None]


def _at(day: Day) -> dict[str, float | None]:
    """Return the power of the sun by the time of day, UTC."""
    times = (f"{datetime.fromtimestamp(at, UTC):%H:%M}" for at in day.at)
    return dict(zip(times, day.solar, strict=True))


def _holes(day: Day) -> list[tuple[str, str]]:
    """Return the holes as times of day, UTC."""
    times = [[datetime.fromtimestamp(at, UTC) for at in hole] for hole in day.holes]
    return [(f"{since:%H:%M}", f"{until:%H:%M}") for since, until in times]


def _every_minute(
    since: datetime, until: datetime, power: float = 2.0, step: timedelta = MINUTE
) -> list[Dynamic]:
    one = reading(since, power)
    times = (since + number * step for number in range(-((since - until) // step)))
    return [msgspec.structs.replace(one, timestamp=time) for time in times]


def test_a_time_without_readings_is_a_hole_that_no_line_crosses(minutes: Minutes) -> None:
    midnight, _ = local_day(NOON)  # 14:00 UTC
    minutes.seen(inverter(), _every_minute(midnight, midnight + 60 * MINUTE))
    minutes.seen(inverter(), _every_minute(midnight + 105 * MINUTE, NOON))
    day = minutes.day([SERIAL])
    assert _holes(day) == [("14:59", "15:45")]
    shown = _at(day)
    assert shown["15:22"] is None
    assert (shown["14:59"], shown["15:45"]) == (2.0, 2.0)
    assert not {"15:00", "15:44"} & shown.keys()


@pytest.mark.parametrize(("minutes_apart", "is_hole"), [(2, False), (3, False), (4, True)])
def test_one_or_two_readings_that_are_missing_are_no_hole(
    minutes: Minutes, minutes_apart: int, *, is_hole: bool
) -> None:
    midnight, _ = local_day(NOON)
    before = _every_minute(midnight, NOON - minutes_apart * MINUTE + MINUTE)
    minutes.seen(inverter(), [*before, reading(NOON)])
    day = minutes.day([SERIAL])
    assert bool(day.holes) is is_hole
    assert (None in day.solar) is is_hole


@pytest.mark.parametrize("step", [2 * MINUTE, 5 * MINUTE, 7 * MINUTE])
def test_an_inverter_that_reports_less_often_has_no_holes(
    minutes: Minutes, step: timedelta
) -> None:
    midnight, _ = local_day(NOON)
    minutes.seen(inverter(), _every_minute(midnight, NOON, 2.0, step))
    minutes.seen(inverter(OTHER), _every_minute(midnight + MINUTE, NOON, 1.0, step))
    one, both = minutes.day([SERIAL]), minutes.day([SERIAL, OTHER])
    assert one.holes == both.holes == []
    assert {*one.solar} == {2.0}
    assert {*both.solar[1:]} == {3.0}
    assert minutes.today(SERIAL).since is None


def test_an_inverter_that_reports_less_often_has_the_holes_that_there_are(
    minutes: Minutes,
) -> None:
    midnight, _ = local_day(NOON)
    every = _every_minute(midnight, NOON, 2.0, 5 * MINUTE)
    minutes.seen(inverter(), [*every[:20], *every[21:40], *every[44:-8]])
    day = minutes.day([SERIAL])
    assert _holes(day) == [("17:15", "17:40"), ("11:15", "12:00")]
    assert day.solar.count(None) == 1


@pytest.mark.parametrize("after", [4, 12])
async def test_an_inverter_that_reports_less_often_has_no_hole_after_midnight(
    minutes: Minutes, clock: FakeClock, after: int
) -> None:
    _, midnight = local_day(NOON)
    every = _every_minute(NOON, midnight + 11 * MINUTE, step=5 * MINUTE)
    await clock.advance((midnight - NOON).total_seconds() + after * 60)
    minutes.seen(inverter(), [each for each in every if each.timestamp < clock.now()])
    day = minutes.day([SERIAL])
    assert day.holes == []
    assert minutes.today(SERIAL).since is None


def test_before_the_first_and_after_the_last_reading_there_is_a_hole_too(minutes: Minutes) -> None:
    minutes.seen(inverter(), _every_minute(NOON - 120 * MINUTE, NOON - 30 * MINUTE))
    day = minutes.day([SERIAL])
    assert _holes(day) == [("14:00", "10:00"), ("11:29", "12:00")]
    assert None not in day.solar
    assert _holes(minutes.day([OTHER])) == [("14:00", "12:00")]
    assert minutes.day([]).holes == []


def test_the_total_of_several_is_unknown_while_one_has_no_readings(minutes: Minutes) -> None:
    midnight, _ = local_day(NOON)
    minutes.seen(inverter(), _every_minute(midnight, NOON, 2.0))
    other = [*_every_minute(midnight, NOON - 90 * MINUTE, 1.0), reading(NOON - MINUTE, 1.0)]
    minutes.seen(inverter(OTHER), other)
    both = minutes.day([SERIAL, OTHER])
    assert _holes(both) == [("10:29", "11:59")]
    assert {*both.solar} == {3.0, None}
    assert minutes.day([SERIAL]).holes == []


def test_one_that_is_off_all_day_has_no_part_in_the_total(minutes: Minutes) -> None:
    midnight, _ = local_day(NOON)
    minutes.seen(inverter(), _every_minute(midnight, NOON))
    assert minutes.day([SERIAL, OTHER]).holes == []


async def test_yesterday_can_still_be_seen(minutes: Minutes, clock: FakeClock) -> None:
    midnight, _ = local_day(NOON)
    minutes.seen(inverter(), _every_minute(midnight, NOON))
    await clock.advance(86400)
    minutes.seen(inverter(), [reading(clock.now(), 9.0)])
    day = minutes.day([SERIAL], is_yesterday=True)
    assert (day.date, day.start, day.end) == ("2026-03-02", midnight, midnight + timedelta(days=1))
    assert {*day.solar} == {2.0}
    assert _holes(day) == [("11:59", "14:00")]
    assert minutes.day([SERIAL]).date == "2026-03-03"


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
    minutes.seen(inverter(), [*day, reading(clock.now() - MINUTE), reading(clock.now())])
    assert minutes._database.read("SELECT count(*) FROM batch") == [(1,)]  # noqa: SLF001 - what is kept shows nowhere else
    assert (tmp_path / FILE).stat().st_size < 500_000


def test_it_survives_the_end_of_the_process(tmp_path: Path, clock: FakeClock) -> None:
    before = Minutes(tmp_path / FILE, clock)
    before.seen(inverter(), [reading(NOON)])
    before.close()
    after = Minutes(tmp_path / FILE, clock)
    assert after.day([SERIAL]).solar == [2.0]
    after.close()


async def test_an_hour_is_written_together_and_shown_at_once(
    tmp_path: Path, clock: FakeClock
) -> None:
    killed = Minutes(tmp_path / FILE, clock)
    for number in range(100):
        killed.seen(inverter(), [reading(NOON + number * MINUTE, number)])
        await clock.advance(60)
        assert len(killed.day([SERIAL]).solar) == number + 1
    after = Minutes(tmp_path / FILE, clock)  # before the other is closed
    assert after.day([SERIAL]).solar == [float(number) for number in range(61)]
    killed.close()
    assert after.day([SERIAL]).solar == [float(number) for number in range(100)]
    after.close()


async def test_what_could_not_be_written_is_shown_and_written_later(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    minutes = Minutes(tmp_path / FILE, clock)
    with opened(tmp_path / FILE) as database:
        database.execute("ALTER TABLE batch RENAME TO away")
    for number in range(100):
        minutes.seen(inverter(), [reading(NOON + number * MINUTE, number)])
        await clock.advance(60)
    assert "minutes.db cannot be used" in caplog.text
    with opened(tmp_path / FILE) as database:
        database.execute("ALTER TABLE away RENAME TO batch")
    assert len(minutes.day([SERIAL]).solar) == 100
    minutes.seen(inverter(), [reading(NOON + 100 * MINUTE, 100)])
    minutes.close()
    after = Minutes(tmp_path / FILE, clock)
    assert len(after.day([SERIAL]).solar) == 101
    after.close()


def test_the_minutes_of_an_earlier_version_are_still_there(
    tmp_path: Path, clock: FakeClock
) -> None:
    with opened(tmp_path / FILE) as file:
        file.execute(
            "CREATE TABLE minute (serial TEXT NOT NULL, at INTEGER NOT NULL, what BLOB NOT NULL,"
            " PRIMARY KEY (serial, at)) WITHOUT ROWID"
        )
        for number in range(3):
            what = msgspec.msgpack.encode([2.0 + number, *[None] * 10])
            at = int((NOON - number * MINUTE).timestamp())
            file.execute("INSERT INTO minute VALUES (?, ?, ?)", (SERIAL, at, what))
    for _ in range(2):
        minutes = Minutes(tmp_path / FILE, clock)
        assert minutes.day([SERIAL]).solar == [4.0, 3.0, 2.0]
        minutes.close()


def test_a_reading_that_is_corrected_before_it_is_written_is_shown_once(minutes: Minutes) -> None:
    minutes.seen(inverter(), [reading(NOON - MINUTE, 1.0), reading(NOON, 2.0)])
    minutes.seen(inverter(), [reading(NOON, 3.0)])
    assert minutes.day([SERIAL]).solar == [1.0, 3.0]


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


def _without_charge(at: datetime) -> Dynamic:
    return msgspec.structs.replace(reading(at), battery_charge_all_time_energy_kwh=None)


def test_a_counter_that_the_past_lacks_has_no_energy_of_the_day(minutes: Minutes) -> None:
    past = [_without_charge(NOON - number * MINUTE) for number in range(60, 0, -1)]
    minutes.seen(inverter(), [*past, reading(NOON), reading(NOON + MINUTE)])
    energy = minutes.today(SERIAL)
    assert energy.charge_kwh is None
    assert energy.solar_kwh == 0.0


def test_a_counter_that_is_believed_after_some_minutes_has_the_energy_since_then(
    minutes: Minutes,
) -> None:
    minutes.seen(inverter(), [_without_charge(NOON - MINUTE), reading(NOON)])
    assert minutes.today(SERIAL).charge_kwh == 0.0
