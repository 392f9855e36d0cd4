"""Spans of time are read in every form that occurs, and written in one."""

from datetime import timedelta

import pytest

from redback.cloud.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("02:30:00", 150),
        ("0.02:30:00", 150),
        ("1.00:00:00", 1440),
        ("1.02:30:00", 1590),
        ("24:00:00", 1440),
        ("00:30", 30),
        (" 00:00:30.5000000 ", 30.5 / 60),
        ("soon", None),
        ("", None),
        ("-01:00:00", None),
    ],
)
def test_all_forms_are_read(text: str, minutes: float | None) -> None:
    expected = None if minutes is None else timedelta(minutes=minutes)
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("minutes", "text"), [(1, "0.00:01:00"), (90, "0.01:30:00"), (1440, "1.00:00:00")]
)
def test_days_are_not_hours(minutes: int, text: str) -> None:
    assert format_duration(timedelta(minutes=minutes)) == text
