"""What is remembered, and who hears of it."""

from datetime import UTC, datetime

import msgspec
import pytest

from redback.cloud import Remembered, RememberedHolder, RememberedRoute

ROUTE = RememberedRoute("v2 single", datetime(2026, 3, 2, tzinfo=UTC))


def test_each_change_is_reported_once() -> None:
    changes: list[Remembered] = []
    holder = RememberedHolder(on_change=changes.append)
    holder.remember_endpoint("old")
    holder.remember_endpoint("old")
    holder.remember_routes({"RB1": ROUTE})
    holder.remember_routes({"RB1": ROUTE})
    assert changes == [Remembered("old"), Remembered("old", {"RB1": ROUTE})]
    assert holder.current == changes[-1]


def test_the_routes_of_many_inverters_are_one_change() -> None:
    changes: list[Remembered] = []
    holder = RememberedHolder(Remembered(None, {"RB1": ROUTE}), on_change=changes.append)
    holder.remember_routes({"RB2": ROUTE, "RB3": ROUTE})
    assert changes == [Remembered(None, {"RB1": ROUTE, "RB2": ROUTE, "RB3": ROUTE})]


def test_the_memory_survives_a_file() -> None:
    remembered = Remembered("new", {"RB1": ROUTE})
    assert msgspec.json.decode(msgspec.json.encode(remembered), type=Remembered) == remembered


def test_a_memory_without_time_zone_is_not_taken() -> None:
    text = '{"routes": {"RB1": {"route": "v2 single", "since": "2026-03-02T00:00:00"}}}'
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Remembered)
