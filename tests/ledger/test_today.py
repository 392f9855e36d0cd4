"""That what was counted since midnight is what a counter has grown, whatever happened meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from examples import SERIAL
from redback.ledger import HOUR, Believed, HourEnd, Ledger, counted, floor, local_day
from redback.ledger.meter import Meter

KEY = "site_load_total"
MINUTE = timedelta(minutes=1)
KW = 1.2
ZONES = ["Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Brisbane"]
# Clocks are set forward on the first day, and back on the second.
DAYS = ["2026-10-04", "2026-04-05", "2026-06-01"]


@dataclass
class House:
    """A counter that grows by 1.2 kW, and the meter and the ledger that follow it."""

    ledger: Ledger
    begin: datetime
    meter: Meter = field(default_factory=lambda: Meter("Load"))
    offset: float = 0.0

    def shows(self, at: datetime) -> float:
        return round(500 + self.offset + KW * ((at - self.begin) / HOUR), 3)

    def live(self, since: datetime, until: datetime) -> None:
        at = since
        while at <= until:
            self.meter.take(self.shows(at), at, 20.0, KW)
            self.ledger.put(SERIAL, {KEY: self.meter.ended})
            at += MINUTE

    def restart(self) -> None:
        self.meter = Meter("Load", self.meter.believed)

    def fetch(self, since: datetime, until: datetime) -> None:
        """Let the backfill find out what hours showed."""
        hour = floor(since)
        while hour < until:
            self.ledger.put(SERIAL, {KEY: [HourEnd(hour, self.shows(hour + HOUR))]})
            hour += HOUR

    def today(self, at: datetime) -> float | None:
        believed: dict[str, Believed] = {}
        if self.meter.believed is not None:
            believed[KEY] = self.meter.believed
        since, _ = local_day(at)
        return counted(self.ledger, SERIAL, believed, since, None).get(KEY)


@pytest.fixture
def midnight(place: Callable[[str], None]) -> datetime:
    """Return one of a place that never sets its clocks."""
    place("Australia/Brisbane")
    return datetime.fromisoformat("2026-03-03T14:00+00:00")


def exactly(kwh: float) -> object:
    return pytest.approx(kwh, abs=0.03)  # as much as flows in a minute or two


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", DAYS)
def test_it_begins_with_nothing_at_midnight_and_grows_over_clock_changes_and_restarts(
    ledger: Ledger, place: Callable[[str], None], zone: str, day: str
) -> None:
    place(zone)
    midnight = (
        datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
    )
    house = House(ledger, midnight - 30 * HOUR)
    at = midnight - 3 * HOUR
    while at < midnight + 30 * HOUR:
        after = at + 20 * MINUTE
        house.live(at, after)
        if after.minute < 21:
            house.restart()
        since, _ = local_day(after)
        found = house.today(after)
        if since < midnight:
            assert found is None, "nothing is known of the midnight before"
        else:
            assert found == exactly(KW * ((after - since) / HOUR)), after
        at = after + MINUTE


def test_hours_over_midnight_without_readings_make_it_unknown_until_they_are_fetched(
    ledger: Ledger, midnight: datetime
) -> None:
    house = House(ledger, midnight - 30 * HOUR)
    house.live(midnight - 6 * HOUR, midnight - 3 * HOUR)
    assert house.today(midnight + HOUR) is None, "nothing has been read on this day"
    house.live(midnight + 3 * HOUR, midnight + 4 * HOUR + 10 * MINUTE)
    assert house.today(midnight + 4 * HOUR + 10 * MINUTE) is None
    house.fetch(midnight - 3 * HOUR, midnight + 3 * HOUR)
    found = house.today(midnight + 4 * HOUR + 10 * MINUTE)
    assert found == exactly(KW * (4 + 10 / 60))


def test_an_outage_from_the_last_hour_of_a_day_on_makes_the_next_one_unknown_until_it_is_fetched(
    ledger: Ledger, midnight: datetime
) -> None:
    """Else what was counted before midnight would be part of today."""
    house = House(ledger, midnight - 30 * HOUR)
    house.live(midnight - 6 * HOUR, midnight - 55 * MINUTE)
    house.restart()
    house.live(midnight + 9 * HOUR, midnight + 9 * HOUR + 10 * MINUTE)
    assert house.today(midnight + 9 * HOUR + 10 * MINUTE) is None
    house.fetch(midnight - HOUR, midnight + 9 * HOUR)
    assert house.today(midnight + 9 * HOUR + 10 * MINUTE) == exactly(KW * (9 + 10 / 60))


def test_hours_of_today_without_readings_are_part_of_it(ledger: Ledger, midnight: datetime) -> None:
    house = House(ledger, midnight - 30 * HOUR)
    house.live(midnight - 2 * HOUR, midnight + 2 * HOUR)
    house.restart()
    house.live(midnight + 7 * HOUR, midnight + 7 * HOUR + 10 * MINUTE)
    found = house.today(midnight + 7 * HOUR + 10 * MINUTE)
    assert found == exactly(KW * (7 + 10 / 60))


@pytest.mark.parametrize("hour", [3, 5])
def test_a_step_to_another_meter_is_no_energy(
    ledger: Ledger, midnight: datetime, hour: int
) -> None:
    house = House(ledger, midnight - 30 * HOUR)
    house.live(midnight - 2 * HOUR, midnight + 3 * HOUR + 10 * MINUTE)
    house.offset = 9000
    house.live(midnight + 3 * HOUR + 11 * MINUTE, midnight + hour * HOUR + 30 * MINUTE)
    house.restart()
    found = house.today(midnight + hour * HOUR + 30 * MINUTE)
    assert found == pytest.approx(KW * (hour + 0.5), abs=0.1)
