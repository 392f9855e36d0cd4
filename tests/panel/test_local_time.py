"""That the page knows the house's local time, in any zone and on both sides of a clock change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from redback.panel.local_time import offsets

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)


def at(found: list[tuple[int, int]], moment: datetime) -> timedelta:
    """Return the offset of a moment, as the page finds it."""
    seconds = moment.timestamp()
    return timedelta(seconds=next(ahead for since, ahead in found if since <= seconds))


@pytest.mark.parametrize(
    "name", ["Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Chatham", "Europe/Dublin", "UTC"]
)
def test_every_hour_of_many_years_has_its_offset(name: str) -> None:
    zone = ZoneInfo(name)
    found = offsets(NOW, zone)
    for hours in range(-3900 * 24, 790 * 24, 7):
        moment = NOW + timedelta(hours=hours)
        assert at(found, moment) == moment.astimezone(zone).utcoffset()


def test_a_change_is_known_to_the_second() -> None:
    found = offsets(NOW, ZoneInfo("Australia/Adelaide"))
    change = datetime(2026, 10, 3, 16, 30, tzinfo=UTC)
    assert at(found, change) == timedelta(hours=10, minutes=30)
    assert at(found, change - timedelta(seconds=1)) == timedelta(hours=9, minutes=30)


def test_the_machines_own_zone_may_have_no_name(place: Callable[[str], None]) -> None:
    place("HOME-9:45HOMEDT-10:45,M9.5.0/2:45,M4.1.0/3:45")
    found = offsets(NOW)
    assert at(found, NOW) == timedelta(hours=10, minutes=45)
    assert at(found, datetime(2026, 7, 1, tzinfo=UTC)) == timedelta(hours=9, minutes=45)
