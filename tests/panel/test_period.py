"""That the energy of any span is what inverters counted, by a model of every hour.

Core is a stand-in here, whose statistics are compared with the real one's by the tests of `core/`.
"""

import csv
import io
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
import pytest

import examples
from fake_clock import FakeClock
from redback.backfill import NO_READINGS, Coverage, Hour, Stage
from redback.core import Energy as Preferences
from redback.core import Row, Statistics, WebSocket
from redback.inverters.inverter import Inverter
from redback.panel import Context
from redback.panel.downloads import file_name, written
from redback.panel.minutes import FILE, Minutes
from redback.panel.period import Energy, ZoneError, energy, level_at, table
from redback.panel.spans import Length, Than
from redback.panel.wanted import Wanted
from redback.publishing.entity_ids import entity_ids
from redback.sensors.counters import COUNTERS, SOLAR
from redback.sensors.details import Details
from redback.sensors.entities import Entities
from redback.sensors.reading import Reading
from standin.core import Core

HOUSE, FLAT = examples.SERIAL, "RB26030100000022"
BEACH, SHED = "RB26030100000033", "RB26030100000044"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Clocks are set forward in October, and back in April.
BEGIN, NOW = datetime(2025, 8, 20, 3, tzinfo=UTC), datetime(2026, 5, 3, 4, 20, tzinfo=UTC)
ZONES = ["Australia/Adelaide", "Australia/Sydney", "Australia/Lord_Howe"]
CHANGES = [date(2025, 10, 5), date(2026, 4, 5)]
_METADATA = {
    "source": "recorder",
    "name": None,
    "has_sum": True,
    "mean_type": 0,
    "unit_class": "energy",
    "unit_of_measurement": "kWh",
}


@dataclass
class House:
    """A house whose inverters have counted something in every hour, and a Core that has it all."""

    core: Core
    context: SimpleNamespace
    coverage: Coverage
    clock: FakeClock
    inverters: dict[str, Inverter] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)
    truth: dict[str, dict[str, dict[datetime, float]]] = field(default_factory=dict)

    def add(
        self,
        serial: str,
        begin: datetime = BEGIN,
        lost: tuple[datetime, ...] = (),
        site: str = "S1",
    ) -> None:
        """Add an inverter that has counted since then; Core has no rows of the lost hours."""
        inverter = Inverter(
            serial,
            serial[-2:],
            Entities(detailed=False),
            Details(
                msgspec.structs.replace(examples.static(), site_id=site), examples.configuration()
            ),
        )
        reading = Reading(serial, NOW, examples.dynamic("three_phase_battery"), inverter.details)
        inverter.entities.show(reading)
        self.inverters[serial] = inverter
        chance = random.Random(serial)
        ids = entity_ids(inverter)
        self.coverage.note(serial, begin)
        self.coverage.put(serial, [Hour(hour, Stage.SETTLED) for hour in _hours(begin, NOW - HOUR)])
        for row in COUNTERS:
            total, truth, rows = 0.0, {}, []
            for hour in _hours(begin, NOW - HOUR):
                truth[hour] = chance.randrange(0, 3000) / 1000
                total += truth[hour]
                if hour not in lost:
                    rows.append({"start": hour, "state": 500 + total, "sum": total})
            self.truth.setdefault(serial, {})[row.day] = truth
            self.core.statistics.write(_METADATA | {"statistic_id": ids[row.key]}, rows)

    async def energy(
        self, length: Length, day: date, *serials: str, than: Than = Than.BEFORE
    ) -> Energy:
        """Return what the page gets."""
        context = cast("Context", self.context)
        wanted = Wanted(length, day, than, serials or (*self.inverters,))
        return await energy(context, wanted)

    def total(self, counter: str, first: date, after: date, zone: str, *serials: str) -> float:
        """Return what was counted on some days, by Python's own zones."""
        return sum(
            kwh
            for serial in serials or self.inverters
            for hour, kwh in self.truth[serial][counter].items()
            if first <= hour.astimezone(ZoneInfo(zone)).date() < after
        )


def _hours(begin: datetime, end: datetime) -> Iterator[datetime]:
    hour = begin.replace(minute=0)
    while hour < end:
        yield hour
        hour += HOUR


@pytest.fixture
def house(websocket: WebSocket, core: Core, tmp_path: Path) -> Iterator[House]:
    clock = FakeClock(NOW)
    coverage, minutes = Coverage(tmp_path / "history.db"), Minutes(tmp_path / FILE, clock)
    inverters: dict[str, Inverter] = {}
    why_not: dict[str, str] = {}
    context = SimpleNamespace(
        clock=clock,
        coverage=coverage,
        minutes=minutes,
        home_assistant=SimpleNamespace(
            statistics=Statistics(websocket), energy=Preferences(websocket), config=_config
        ),
        registry=SimpleNamespace(
            inverter=inverters.get, known=inverters.get, reading=lambda _: None
        ),
        publisher=SimpleNamespace(
            ownership=SimpleNamespace(ids=entity_ids, is_taken=lambda _: False, why_not=why_not.get)
        ),
        backfill=SimpleNamespace(since=lambda _: BEGIN - 30 * DAY),
    )
    yield House(core, context, coverage, clock, inverters, why_not)
    coverage.close()
    minutes.close()


@pytest.fixture
def at(house: House, place: Callable[[str], None]) -> Callable[[str], None]:
    def move(zone: str) -> None:
        place(zone)
        house.core.statistics.zone = ZoneInfo(zone)

    return move


def exactly(kwh: float) -> Any:  # noqa: ANN401 - pytest's own
    return pytest.approx(kwh, abs=0.0011)


@pytest.mark.parametrize("zone", ZONES)
async def test_every_span_over_a_clock_change_is_what_was_counted(
    house: House, at: Callable[[str], None], zone: str
) -> None:
    at(zone)
    house.add(HOUSE)
    for change in CHANGES:
        for length in (Length.DAY, Length.WEEK, Length.MONTH, Length.YEAR):
            found = await house.energy(length, change)
            after = found.last + DAY
            for row in COUNTERS:
                whole = house.total(row.day, found.first, after, zone)
                assert getattr(found.figures, f"{row.day}_kwh") == exactly(whole)
                assert sum(filter(None, found.bars.kwh[row.day])) == exactly(whole)
            if length is Length.DAY:
                assert len(found.bars.start) == (23 if change.month == 10 else 25)
            elif length is not Length.YEAR:
                for day, kwh in zip(found.bars.start, found.bars.kwh["solar"], strict=True):
                    assert isinstance(day, date)
                    wanted = house.total("solar", day, day + DAY, zone)
                    assert kwh == (exactly(wanted) if day <= date(2026, 5, 3) else None)
            assert sum(found.bars.missing) == found.figures.missing == 0


async def test_all_of_the_time_is_by_years_from_the_first_row_until_today(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Sydney")
    house.add(HOUSE)
    found = await house.energy(Length.ALL, date(2026, 5, 3))
    assert (
        found.bars.start == [found.first, date(2026, 1, 1)] == [date(2025, 8, 20), date(2026, 1, 1)]
    )
    assert found.last == date(2026, 5, 3)
    assert found.is_open
    for index, year in enumerate((2025, 2026)):
        whole = house.total("load", date(year, 1, 1), date(year + 1, 1, 1), "Australia/Sydney")
        assert found.bars.kwh["load"][index] == exactly(whole)
    assert found.compared is None
    assert found.has_earlier is False


async def test_what_is_before_the_first_row_is_unknown_and_not_missing(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Sydney")
    house.add(HOUSE)
    august = await house.energy(Length.MONTH, date(2025, 8, 20))
    assert august.bars.kwh["solar"][:19] == [None] * 19
    assert august.figures.missing == 0
    assert august.has_earlier is False
    july = await house.energy(Length.MONTH, date(2025, 7, 1))
    assert july.figures.solar_kwh is None
    assert july.figures.missing == 0
    assert july.has_earlier is None
    september = await house.energy(Length.MONTH, date(2025, 9, 1))
    assert september.has_earlier is True


@pytest.mark.parametrize("zone", ["Australia/Sydney", "Australia/Adelaide"])
@pytest.mark.parametrize(("begin", "is_whole"), [(-DAY / 2, False), (timedelta(0), True)])
async def test_the_day_on_which_an_inverter_began_is_neither_best_nor_worst_unless_it_is_whole(
    house: House, at: Callable[[str], None], zone: str, begin: timedelta, *, is_whole: bool
) -> None:
    at(zone)
    midnight = datetime(2025, 9, 3, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    first_hour = midnight + timedelta(minutes=midnight.minute)
    house.add(HOUSE, begin=first_hour + begin)
    first = (first_hour + begin).astimezone(ZoneInfo(zone)).date()
    ids = entity_ids(house.inverters[HOUSE])
    stored = house.core.statistics.rows[ids["solar_generation_total"]]
    for number, hour in enumerate(sorted(stored)):
        day = (hour.astimezone(ZoneInfo(zone)).date() - first).days
        stored[hour]["sum"] = number + day * day / 10  # each day has more than the one before
    for length in (Length.WEEK, Length.MONTH):
        found = await house.energy(length, date(2025, 9, 3))
        assert found.figures.missing == 0
        assert found.worst is not None
        assert found.worst.day == (first if is_whole else first + DAY)


async def test_an_inverter_counts_before_its_first_reading_since_the_start(
    house: House, at: Callable[[str], None]
) -> None:
    """As after a restart while the cloud is away."""
    at("Australia/Brisbane")
    house.add(HOUSE)
    house.add(FLAT)
    one = house.inverters[FLAT]
    former = Entities(detailed=False, former=one.entities.keys, is_recalled=True)
    house.inverters[FLAT] = Inverter(FLAT, one.name, former)
    registry, backfill = house.context.registry, house.context.backfill
    registry.inverter = {HOUSE: house.inverters[HOUSE]}.get
    backfill.since = {HOUSE: BEGIN - 30 * DAY}.get
    await house.clock.advance(3 * 3600)
    for serials in ((FLAT,), (HOUSE, FLAT)):
        found = await house.energy(Length.MONTH, date(2026, 5, 1), *serials)
        whole = house.total("load", found.first, date(2026, 6, 1), "Australia/Brisbane", *serials)
        assert found.figures.load_kwh == exactly(whole)
        assert found.figures.missing == 3
        ids = [entity_ids(house.inverters[serial])["site_load_total"] for serial in serials]
        assert found.entity_ids["load_kwh"] == ids


async def test_hours_without_data_are_missing_and_never_zero(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    midnight = datetime(2026, 3, 3, 14, tzinfo=UTC)  # of the 4th
    lost = tuple(midnight + number * HOUR for number in range(-2, 26))
    house.add(HOUSE, lost=lost)
    # Core had a row for some of them, which said that nothing had changed.
    flat = lost[3:6]
    solar = entity_ids(house.inverters[HOUSE])
    for row in COUNTERS:
        stored = house.core.statistics.rows[solar[row.key]]
        last = stored[lost[0] - HOUR]
        house.core.statistics.write(
            _METADATA | {"statistic_id": solar[row.key]}, [last | {"start": one} for one in flat]
        )
    house.coverage.put(HOUSE, [Hour(one, Stage.SETTLED, why=NO_READINGS) for one in lost])
    day = await house.energy(Length.DAY, date(2026, 3, 4))
    assert day.bars.kwh["solar"] == [None] * 24
    assert day.bars.missing == [1] * 24
    assert day.figures.solar_kwh is None
    assert day.figures.self_sufficiency is None
    week = await house.energy(Length.WEEK, date(2026, 3, 4))
    assert week.bars.missing == [0, 2, 24, 2, 0, 0, 0]
    assert week.figures.missing == 28
    assert week.bars.kwh["solar"][2] is None
    # What was counted meanwhile is part of the first hour after.
    whole = house.total("solar", date(2026, 3, 2), date(2026, 3, 9), "Australia/Brisbane")
    assert week.figures.solar_kwh == exactly(whole)
    # Days that lack hours are neither best nor worst.
    days = [date(2026, 3, number) for number in (2, 6, 7, 8)]
    totals = {one: house.total("solar", one, one + DAY, "Australia/Brisbane") for one in days}
    assert week.best is not None
    assert week.worst is not None
    assert week.best.day == max(totals, key=lambda one: totals[one])
    assert week.worst.day == min(totals, key=lambda one: totals[one])
    assert week.worst.solar_kwh == exactly(min(totals.values()))


async def test_hours_without_a_row_are_missing_though_the_coverage_has_them(
    house: House, at: Callable[[str], None]
) -> None:
    """As before the history that the add-on knows."""
    at("Australia/Adelaide")
    midnight = datetime(2026, 3, 3, 13, 30, tzinfo=UTC)  # of the 4th
    lost = tuple(midnight + HOUR / 2 + number * HOUR for number in range(24))
    house.add(HOUSE, lost=lost)
    week = await house.energy(Length.WEEK, date(2026, 3, 4))
    assert week.bars.missing == [0, 0, 24, 0, 0, 0, 0]
    day = await house.energy(Length.DAY, date(2026, 3, 4))
    assert day.bars.missing == [1] * 24


@pytest.mark.parametrize("zone", ["Australia/Brisbane", "Australia/Adelaide"])
@pytest.mark.parametrize("is_read", [False, True])
async def test_today_without_any_data_is_unknown_in_each_length(
    house: House, at: Callable[[str], None], zone: str, *, is_read: bool
) -> None:
    at(zone)
    house.add(HOUSE)
    midnight = datetime(2026, 5, 3, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    lost = [*_hours(midnight + timedelta(minutes=midnight.minute), NOW - HOUR)]
    for of in house.core.statistics.rows.values():
        for hour in lost:
            of[hour]["sum"] = of[lost[0] - HOUR]["sum"]
    house.coverage.put(HOUSE, [Hour(one, Stage.SETTLED, why=NO_READINGS) for one in lost])
    if is_read:  # in the open hour nothing was counted, which is known
        full = NOW.replace(minute=0)
        _read(house, HOUSE, {full + timedelta(minutes=1): 10.0, NOW: 10.0})
    for length in (Length.DAY, Length.WEEK, Length.MONTH, Length.YEAR):
        found = await house.energy(length, date(2026, 5, 3))
        assert found.figures.missing == len(lost)
        index = {Length.WEEK: 6, Length.MONTH: 2, Length.DAY: len(lost)}.get(length)
        if index is not None:
            assert found.bars.kwh["solar"][index] == (0.0 if is_read else None)


async def test_an_hour_in_which_nothing_was_counted_is_zero(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    ids = entity_ids(house.inverters[HOUSE])
    for row in COUNTERS:
        stored = house.core.statistics.rows[ids[row.key]]
        for number in range(3):
            hour = datetime(2026, 3, 4, number, tzinfo=UTC)
            stored[hour]["sum"] = stored[hour - HOUR]["sum"]
    day = await house.energy(Length.DAY, date(2026, 3, 4))
    assert day.bars.kwh["solar"][10:13] == [0.0] * 3
    assert day.figures.missing == 0


@pytest.mark.parametrize("zone", ["Australia/Adelaide", "Australia/Brisbane"])
async def test_the_open_hour_is_of_the_readings(
    house: House, at: Callable[[str], None], zone: str
) -> None:
    at(zone)
    house.add(HOUSE)
    # It is 20 past; Core has no row of the hour before yet.
    full = NOW.replace(minute=0)
    for of in house.core.statistics.rows.values():
        del of[full - HOUR]
    for truth in house.truth[HOUSE].values():
        del truth[full - HOUR]
    _read(
        house, HOUSE, {full - HOUR - timedelta(seconds=30): 10.0, full - timedelta(minutes=1): 12}
    )
    _read(house, HOUSE, {full + timedelta(minutes=1): 12.5, NOW: 13.25})
    today = date(2026, 5, 3)
    before = house.total("solar", today, today + DAY, zone)
    for length in (Length.DAY, Length.WEEK, Length.MONTH):
        found = await house.energy(length, today)
        whole = house.total("solar", found.first, today + DAY, zone)
        assert found.figures.solar_kwh == exactly(whole + 3.25)
        assert found.figures.missing == 0
        assert found.is_open
    day = await house.energy(Length.DAY, today)
    known = [kwh for kwh in day.bars.kwh["solar"] if kwh is not None]
    assert known[-2:] == [2.0, 1.25]
    assert sum(known) == exactly(before + 3.25)
    # It is compared until the last full hour, without the open one.
    assert day.compared is not None
    assert day.compared.until == full - DAY
    truth = house.truth[HOUSE]["solar"]
    midnight = datetime(2026, 5, 2, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    theirs = sum(kwh for hour, kwh in truth.items() if midnight <= hour < full - DAY)
    assert day.compared.figures.solar_kwh == exactly(theirs)
    assert day.compared.change["solar_kwh"] == exactly(before + 2 - theirs)


async def test_a_counter_that_is_not_recorded_is_not_only_its_open_hour(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    full = NOW.replace(minute=0)
    del house.core.statistics.rows[entity_ids(house.inverters[HOUSE])["solar_generation_total"]]
    _read(house, HOUSE, {full - timedelta(minutes=1): 10.0, NOW: 11.0})
    for length in (Length.DAY, Length.WEEK, Length.ALL):
        found = await house.energy(length, date(2026, 5, 3))
        assert found.figures.solar_kwh is None
        assert found.figures.load_kwh is not None


@pytest.mark.parametrize("is_whole", [False, True])
async def test_counters_that_are_not_recorded_are_told_and_no_part_of_a_total(
    house: House, at: Callable[[str], None], *, is_whole: bool
) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    house.add(FLAT)
    ids = entity_ids(house.inverters[FLAT])
    rows = [row for row in COUNTERS if is_whole or row is SOLAR]
    for row in rows:
        house.why_not[ids[row.key]] = f"Home Assistant does not record {ids[row.key]}"
        del house.core.statistics.rows[ids[row.key]]
    for length in (Length.DAY, Length.WEEK, Length.YEAR):
        found = await house.energy(length, date(2026, 4, 8))
        assert found.unrecorded == [house.why_not[ids[row.key]] for row in rows]
        for row in COUNTERS:
            kwh = getattr(found.figures, f"{row.day}_kwh")
            assert (kwh is None) == (row in rows)
            assert (found.bars.kwh[row.day][:1] == [None]) == (row in rows)
        assert found.figures.self_consumption is None
        assert found.best is None
        alone = await house.energy(length, date(2026, 4, 8), HOUSE)
        assert alone.unrecorded == []
        assert alone.figures.solar_kwh is not None


async def test_what_was_recorded_once_is_shown(house: House, at: Callable[[str], None]) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    solar = entity_ids(house.inverters[HOUSE])["solar_generation_total"]
    house.why_not[solar] = f"Home Assistant does not record {solar}"
    found = await house.energy(Length.DAY, date(2026, 4, 8))
    assert found.unrecorded == []
    assert found.figures.solar_kwh is not None


async def test_the_first_hour_of_a_day_may_be_open(house: House, at: Callable[[str], None]) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    midnight = datetime(2026, 5, 3, 14, tzinfo=UTC)
    await house.clock.advance((midnight + timedelta(minutes=10) - NOW).total_seconds())
    _read(house, HOUSE, {midnight: 10.0, midnight + timedelta(minutes=5): 11.0})
    today = await house.energy(Length.DAY, date(2026, 5, 4))
    assert today.figures.solar_kwh == 1.0


async def test_the_open_hour_may_be_yesterdays(house: House, at: Callable[[str], None]) -> None:
    """In Adelaide the hour that begins at half past eleven belongs to the day before."""
    at("Australia/Adelaide")
    house.add(HOUSE)
    midnight = datetime(2026, 5, 3, 14, 30, tzinfo=UTC)
    await house.clock.advance((midnight + timedelta(minutes=10) - NOW).total_seconds())
    full = midnight - HOUR / 2
    _read(house, HOUSE, {full: 10.0, midnight + timedelta(minutes=5): 11.0})
    today = await house.energy(Length.DAY, date(2026, 5, 4))
    assert today.figures.solar_kwh is None
    assert today.figures.missing == 0
    yesterday = await house.energy(Length.DAY, date(2026, 5, 3))
    assert yesterday.bars.kwh["solar"][-1] == 1.0


def _read(house: House, serial: str, solar: Mapping[datetime, float]) -> None:
    readings = [
        examples.dynamic(TimestampUtc=f"{at:%Y-%m-%dT%H:%M:%SZ}", PvAllTimeEnergykWh=kwh)
        for at, kwh in solar.items()
    ]
    house.context.minutes.seen(house.inverters[serial], readings)


async def test_what_is_compared_may_be_the_same_of_last_year_and_unknown(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Sydney")
    house.add(HOUSE)
    april = await house.energy(Length.MONTH, date(2026, 4, 2))
    assert april.compared is not None
    assert (april.compared.first, april.compared.last) == (date(2026, 3, 1), date(2026, 3, 31))
    assert april.compared.until is None
    march = house.total("load", date(2026, 3, 1), date(2026, 4, 1), "Australia/Sydney")
    whole = house.total("load", date(2026, 4, 1), date(2026, 5, 1), "Australia/Sydney")
    assert april.compared.figures.load_kwh == exactly(march)
    assert april.compared.change["load_kwh"] == exactly(whole - march)
    other = await house.energy(Length.MONTH, date(2026, 4, 2), than=Than.YEAR)
    assert other.compared is not None
    assert other.compared.first == date(2025, 4, 1)
    assert other.compared.figures.load_kwh is None
    assert other.compared.change == {}


async def test_several_inverters_are_added_up_from_when_each_began(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Sydney")
    house.add(HOUSE)
    house.add(FLAT, begin=datetime(2026, 2, 10, 2, tzinfo=UTC))
    for serials in ((HOUSE,), (FLAT,), (HOUSE, FLAT)):
        found = await house.energy(Length.MONTH, date(2026, 2, 1), *serials)
        whole = house.total("import", found.first, date(2026, 3, 1), "Australia/Sydney", *serials)
        assert found.figures.import_kwh == exactly(whole)
        assert found.figures.missing == 0


async def test_grid_and_load_are_of_all_inverters_or_unknown(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Sydney")
    house.add(HOUSE)
    house.add(FLAT)
    ids = entity_ids(house.inverters[FLAT])
    for key in ("site_load_total", "battery_charge_total"):
        del house.core.statistics.rows[ids[key]]
    both = await house.energy(Length.WEEK, date(2026, 3, 4))
    assert both.figures.load_kwh is None
    assert both.figures.self_sufficiency is None
    assert both.bars.kwh["load"] == [None] * 7
    # The other one may have no battery, and no panels.
    whole = house.total("charge", both.first, both.last + DAY, "Australia/Sydney", HOUSE)
    assert both.figures.charge_kwh == exactly(whole)


def _cycling(house: House, charge: float, discharge: float) -> tuple[float, float]:
    """Let so much go through the battery each day, kWh; return its capacity: usable, and whole."""
    ids = entity_ids(house.inverters[HOUSE])
    for key, kwh in (("battery_charge_total", charge), ("battery_discharge_total", discharge)):
        stored = house.core.statistics.rows[ids[key]]
        for number, hour in enumerate(sorted(stored)):
            stored[hour]["sum"] = number * kwh / 24
    details = house.inverters[HOUSE].details
    usable = details.limit(lambda limits: limits.usable_battery_capacity_kwh)
    whole = details.limit(lambda limits: limits.battery_capacity_kwh)
    assert usable is not None
    assert whole is not None
    return usable, whole


def _levels(house: House, levels: Mapping[date, float]) -> None:
    """Let the battery have these charges at these midnights in Brisbane, percent."""
    rows = [
        {"start": datetime(day.year, day.month, day.day, 14, tzinfo=UTC) - DAY + hour * HOUR}
        | dict.fromkeys(("mean", "min", "max"), level + change)
        for day, level in levels.items()
        for hour, change in ((-1, -2), (0, 2))
    ]
    metadata = {
        "statistic_id": entity_ids(house.inverters[HOUSE])["battery_soc"],
        "has_sum": False,
        "mean_type": 1,
        "unit_class": "unitless",
        "unit_of_measurement": "%",
    }
    house.core.statistics.write(_METADATA | metadata, rows)


async def test_the_efficiency_of_a_battery_takes_into_account_what_is_in_it(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    usable, whole = _cycling(house, charge=12, discharge=10)
    first = date(2026, 3, 4)
    _levels(house, {first: 40, first + DAY: 50, first + 2 * DAY: 90})
    day = await house.energy(Length.DAY, first)
    assert day.figures.cycles == pytest.approx(10 / usable, abs=0.01)
    assert day.figures.efficiency == pytest.approx(100 * (10 + 0.1 * whole) / 12, abs=0.1)
    more = await house.energy(Length.DAY, first + DAY)
    assert more.figures.efficiency is None, "more than was put in can only be a mistake"
    unknown = await house.energy(Length.DAY, first + 2 * DAY)
    assert unknown.figures.efficiency is None, "nothing is known of its end"
    assert unknown.figures.cycles == day.figures.cycles
    # Where much went through it, what is in it makes no difference.
    year = await house.energy(Length.YEAR, first)
    assert year.figures.efficiency == pytest.approx(1000 / 12, abs=0.1)


async def test_of_little_charge_no_efficiency_is_shown(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    _cycling(house, charge=1, discharge=0.9)
    _levels(house, {date(2026, 3, 4): 50, date(2026, 3, 5): 50})
    day = await house.energy(Length.DAY, date(2026, 3, 4))
    assert day.figures.efficiency is None
    assert day.figures.cycles is not None


@pytest.mark.parametrize(("minute", "level"), [(0, 45.0), (30, 50.0), (15, 47.5)])
def test_the_level_at_a_moment_lies_between_the_means_around_it(minute: int, level: float) -> None:
    rows = [Row(NOW.replace(hour=hour, minute=0), mean=mean) for hour, mean in ((3, 40), (4, 50))]
    assert level_at(NOW.replace(minute=minute), rows) == level


async def _config() -> SimpleNamespace:
    return SimpleNamespace(currency="NZD")


def _priced(house: House, serial: str) -> tuple[str, str]:
    """Let Core have prices of an inverter's import and export; return its money's statistics."""
    ids = entity_ids(house.inverters[serial])
    bought, sold = (ids[f"grid_{way}_total"] for way in ("import", "export"))
    money = (f"{bought}_cost", f"{sold}_compensation")
    grid = {
        "type": "grid",
        "stat_energy_from": bought,
        "stat_cost": None,
        "number_energy_price": 0.3,
        "stat_energy_to": sold,
        "stat_compensation": money[1],
    }
    before = house.core.energy.preferences or {"energy_sources": []}
    house.core.energy.preferences = {"energy_sources": [*before["energy_sources"], grid]}
    house.core.energy.cost_sensors[bought] = money[0]
    return money


def _pay(house: House, entity_id: str, per_hour: float, begin: datetime = BEGIN) -> None:
    rows = [
        {"start": hour, "sum": (number + 1) * per_hour, "state": 0.0}
        for number, hour in enumerate(_hours(begin, NOW - HOUR))
    ]
    metadata = {"statistic_id": entity_id, "unit_class": None, "unit_of_measurement": "NZD"}
    house.core.statistics.write(_METADATA | metadata, rows)


async def test_money_is_what_core_worked_out_of_these_inverters(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Adelaide")
    house.add(HOUSE)
    house.add(FLAT)
    assert (await house.energy(Length.DAY, date(2026, 3, 4))).money is None, "there are no prices"
    cost, compensation = _priced(house, HOUSE)
    _pay(house, cost, 0.25)
    _pay(house, compensation, 0.1)
    for length, day, hours in (
        (Length.DAY, date(2026, 4, 5), 25),
        (Length.WEEK, date(2025, 10, 5), 167),
        (
            Length.YEAR,
            date(2026, 1, 1),
            len([*_hours(datetime(2025, 12, 31, 14, tzinfo=UTC), NOW)]) - 1,
        ),
    ):
        found = await house.energy(length, day)
        assert found.money is not None
        assert found.money.currency == "NZD"
        assert found.money.since == {}
        assert found.money.amounts == pytest.approx(
            {"cost": hours * 0.25, "compensation": hours * 0.1, "net": hours * 0.15}
        )
    assert (await house.energy(Length.DAY, date(2026, 4, 5), FLAT)).money is None
    today = await house.energy(Length.DAY, date(2026, 5, 3))
    assert today.compared is not None
    assert today.compared.change["cost"] == 0.0, "both until the last full hour"


async def test_money_that_is_not_known_is_not_zero(house: House, at: Callable[[str], None]) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    cost, _ = _priced(house, HOUSE)
    _pay(house, cost, 0.25, datetime(2026, 3, 9, 14, tzinfo=UTC))
    march = await house.energy(Length.MONTH, date(2026, 3, 1))
    assert march.money is not None
    assert march.money.since == {"cost": datetime(2026, 3, 9, 14, tzinfo=UTC)}
    assert march.money.amounts == {
        "cost": exactly(22 * 24 * 0.25),
        "compensation": None,
        "net": None,
    }
    april = await house.energy(Length.MONTH, date(2026, 4, 1))
    assert april.money is not None
    assert april.money.since == {}
    february = await house.energy(Length.MONTH, date(2026, 2, 1))
    assert february.money is not None
    assert set(february.money.amounts.values()) == {None}


async def test_money_of_a_part_of_a_span_is_not_compared(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    cost, _ = _priced(house, HOUSE)
    _pay(house, cost, 0.25, datetime(2026, 3, 19, 14, tzinfo=UTC))
    for day, is_known in ((date(2026, 3, 1), False), (date(2026, 4, 1), False), (NOW.date(), True)):
        month = await house.energy(Length.MONTH, day)
        assert month.compared is not None
        assert ("cost" in month.compared.change) is is_known
        assert "import_kwh" in month.compared.change


async def test_the_net_cost_is_of_one_time(house: House, at: Callable[[str], None]) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    cost, compensation = _priced(house, HOUSE)
    bought, sold = (datetime(2026, 3, day, 14, tzinfo=UTC) for day in (9, 19))
    _pay(house, cost, 0.25, bought)
    _pay(house, compensation, 0.1, sold)
    march = (await house.energy(Length.MONTH, date(2026, 3, 1))).money
    assert march is not None
    paid, got = exactly(22 * 24 * 0.25), exactly(12 * 24 * 0.1)
    assert march.amounts == {"cost": paid, "compensation": got, "net": None}
    assert march.since == {"cost": bought, "compensation": sold}
    _pay(house, compensation, 0.1, bought)
    march = (await house.energy(Length.MONTH, date(2026, 3, 1))).money
    assert march is not None
    assert march.amounts["net"] == exactly(22 * 24 * 0.15)
    assert march.since == dict.fromkeys(march.amounts, bought)


async def test_the_cost_of_several_meters_is_of_the_time_when_all_have_one(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    house.add(FLAT, datetime(2026, 1, 14, 14, tzinfo=UTC))
    first, late = datetime(2026, 1, 14, 14, tzinfo=UTC), datetime(2026, 2, 14, 14, tzinfo=UTC)
    _pay(house, _priced(house, HOUSE)[0], 0.25)
    cost, _ = _priced(house, FLAT)
    _pay(house, cost, 0.5, late)
    february = (await house.energy(Length.MONTH, date(2026, 2, 1))).money
    assert february is not None
    assert february.since == {"cost": late}
    assert february.amounts["cost"] == exactly(14 * 24 * 0.75)
    _pay(house, cost, 0.5, first)
    january = (await house.energy(Length.MONTH, date(2026, 1, 1))).money
    assert january is not None
    assert january.since == {}, "before it there was nothing to pay"
    assert january.amounts["cost"] == exactly(31 * 24 * 0.25 + 17 * 24 * 0.5)
    december = (await house.energy(Length.MONTH, date(2025, 12, 1))).money
    assert december is not None
    assert december.amounts["cost"] == exactly(31 * 24 * 0.25)


async def test_the_first_day_of_money_is_not_a_whole_one(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    house.add(HOUSE)
    cost, _ = _priced(house, HOUSE)
    begin = datetime(2026, 4, 1, 4, tzinfo=UTC)
    _pay(house, cost, 0.5, begin)
    for length, hours in ((Length.DAY, 10), (Length.MONTH, 10 + 29 * 24)):
        found = await house.energy(length, date(2026, 4, 1))
        assert found.money is not None
        assert found.money.amounts["cost"] == exactly(hours * 0.5)
        assert found.money.since == {"cost": begin}
    for length, day in ((Length.DAY, date(2026, 4, 2)), (Length.MONTH, date(2026, 5, 1))):
        found = await house.energy(length, day)
        assert found.money is not None
        assert found.money.since == {}
        assert found.compared is not None
        assert "cost" not in found.compared.change


async def test_money_names_the_sites_that_have_none(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Brisbane")
    for serial, site in ((HOUSE, "S1"), (FLAT, "S1"), (BEACH, "S2"), (SHED, "S2")):
        house.add(serial, site=site)
    for one in _priced(house, HOUSE):
        _pay(house, one, 0.25)
    both = await house.energy(Length.DAY, date(2026, 4, 1))
    assert both.money is not None
    assert both.money.without == {"cost": ["33", "44"], "compensation": ["33", "44"]}
    assert both.money.amounts["net"] == 0.0
    alone = await house.energy(Length.DAY, date(2026, 4, 1), HOUSE, FLAT)
    assert alone.money is not None
    assert alone.money.without == {}, "a site may have one meter for all"
    cost, _ = _priced(house, SHED)
    _pay(house, cost, 0.5)
    sources = house.core.energy.preferences
    assert sources is not None
    sources["energy_sources"][-1]["stat_compensation"] = None
    both = await house.energy(Length.DAY, date(2026, 4, 1))
    assert both.money is not None
    assert both.money.without == {"compensation": ["33", "44"]}
    assert both.money.amounts == {"cost": 18.0, "compensation": 6.0, "net": None}


async def test_days_that_are_not_the_houses_are_an_error(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Sydney")
    house.add(HOUSE)
    house.core.statistics.zone = ZoneInfo("Australia/Perth")
    with pytest.raises(ZoneError):
        await house.energy(Length.MONTH, date(2026, 3, 4))


@pytest.mark.parametrize("zone", ["Australia/Adelaide", "Australia/Lord_Howe"])
async def test_a_file_has_what_the_page_has(
    house: House, at: Callable[[str], None], zone: str
) -> None:
    at(zone)
    house.add(HOUSE)
    context = cast("Context", house.context)
    for length, by in (
        (Length.DAY, None),
        (Length.WEEK, None),
        (Length.MONTH, Length.DAY),
        (Length.YEAR, None),
        (Length.YEAR, Length.DAY),
        (Length.YEAR, Length.MONTH),
        (Length.ALL, Length.MONTH),
    ):
        asked = Wanted(length, date(2026, 4, 5), Than.BEFORE, (HOUSE,))
        shown = (await energy(context, asked)).figures
        file = io.StringIO(written(await table(context, asked, by), by, NOW), newline="")
        rows = list(csv.DictReader(file))
        names = {"solar": shown.solar_kwh, "house": shown.load_kwh, "to_grid": shown.export_kwh}
        for name, kwh in names.items():
            assert sum(float(row[f"{name}_kwh"] or 0) for row in rows) == pytest.approx(
                kwh, abs=0.01
            )
        assert len({row["start"] for row in rows}) == len(rows), "each hour is named once"


async def test_a_file_says_what_is_unknown_and_ends_now(
    house: House, at: Callable[[str], None]
) -> None:
    at("Australia/Adelaide")
    lost = datetime(2026, 5, 3, 0, tzinfo=UTC)
    house.add(HOUSE, lost=(lost,))
    asked = Wanted(Length.DAY, date(2026, 5, 3), Than.BEFORE, (HOUSE,))
    bars = await table(cast("Context", house.context), asked, None)
    rows = list(csv.reader(io.StringIO(written(bars, None, NOW), newline="")))
    assert rows[0] == [
        "start",
        "solar_kwh",
        "house_kwh",
        "from_grid_kwh",
        "to_grid_kwh",
        "into_battery_kwh",
        "from_battery_kwh",
        "missing_hours",
    ]
    assert rows[1][0] == "2026-05-03T00:30:00+09:30"
    (gone,) = (row for row in rows if row[0] == "2026-05-03T09:30:00+09:30")
    assert gone[1:] == [""] * 6 + ["1"]
    assert rows[-1][0] == "2026-05-03T13:30:00+09:30", "the open hour is the last"


@pytest.mark.parametrize(
    ("length", "by", "name"),
    [
        (Length.DAY, None, "2026-04-05-by-hour"),
        (Length.WEEK, Length.DAY, "week-2026-03-30-by-day"),
        (Length.MONTH, None, "2026-04-by-hour"),
        (Length.YEAR, Length.MONTH, "2026-by-month"),
        (Length.ALL, Length.DAY, "all-by-day"),
    ],
)
def test_a_file_is_named_after_what_is_in_it(length: Length, by: Length | None, name: str) -> None:
    asked = Wanted(length, date(2026, 4, 5), Than.BEFORE, (HOUSE,))
    assert file_name(asked, by) == f"redback-energy-{name}.csv"


async def test_an_answer_is_small(house: House, at: Callable[[str], None]) -> None:
    at("Australia/Sydney")
    house.add(HOUSE)
    for length in Length:
        answer = await house.energy(length, date(2026, 3, 4))
        assert len(msgspec.json.encode(answer)) < 8000
