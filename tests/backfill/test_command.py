"""The command redback-history shows what is missing, and has a time filled again."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from time_machine import TimeMachineFixture

from redback.backfill.__main__ import main
from redback.backfill.coverage import Coverage, Hour, Stage

SERIAL = "RB26030100000011"
# With this kind of time zone, time-machine makes it the machine's own meanwhile.
NOW = datetime(2026, 3, 2, 12, 30, tzinfo=ZoneInfo("UTC"))
MINUTE = timedelta(minutes=1)

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def coverage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    time_machine: TimeMachineFixture,
) -> Iterator[Coverage]:
    time_machine.move_to(NOW, tick=False)
    monkeypatch.setenv("REDBACK_DATA", str(tmp_path))
    options = {"client_id": "a", "credential": "b", "history_days": 0}
    (tmp_path / "options.json").write_text(json.dumps(options))
    coverage = Coverage(tmp_path / "history.db")
    stamp = NOW - timedelta(hours=4, minutes=30)
    while stamp < NOW:
        if not NOW - timedelta(hours=2) <= stamp < NOW - timedelta(hours=1):
            coverage.note(SERIAL, stamp)
        stamp += MINUTE
    yield coverage
    coverage.close()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_it_prints_what_is_missing(coverage: Coverage, command: Command) -> None:
    coverage.put(SERIAL, [Hour(NOW.replace(hour=9, minute=0), Stage.SETTLED, why="A reason.")])
    code, printed, _ = command("status")
    assert code == 0
    assert "missing: 2" in printed
    assert "2026-03-02 10:00 to 2026-03-02 12:00" in printed
    assert "2026-03-02 09:00 to 2026-03-02 10:00: A reason." in printed


def test_a_time_is_marked_to_be_filled_again(coverage: Coverage, command: Command) -> None:
    code, printed, _ = command("fill", "2026-03-02T08", "2026-03-02T10:00")
    assert (code, printed) == (0, "2 hours will be filled again while the add-on runs.\n")
    hours = coverage.hours(SERIAL, NOW - timedelta(days=1), NOW)
    assert [(hour.start.hour, hour.stage, hour.asked) for hour in hours.values()] == [
        (8, Stage.WANTED, True),
        (9, Stage.WANTED, True),
    ]


def test_a_dry_run_only_prints(coverage: Coverage, command: Command) -> None:
    code, printed, _ = command("fill", "2026-03-02T08", "2026-03-02T09:30", "--dry-run")
    assert code == 0
    assert printed.splitlines() == [
        f"{SERIAL} 2026-03-02 08:00",
        f"{SERIAL} 2026-03-02 09:00",
        "2 hours would be filled again while the add-on runs.",
    ]
    assert coverage.hours(SERIAL, NOW - timedelta(days=1), NOW) == {}


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-03-02T12", "2026-03-03"),
        ("2026-03-01", "2026-03-02"),
        ("2026-03-02T09", "2026-03-02T09"),
    ],
)
def test_what_has_not_passed_or_is_too_long_ago_cannot_be_filled(
    coverage: Coverage, command: Command, since: str, until: str
) -> None:
    code, _, complaint = command("fill", since, until)
    assert code == 1
    assert complaint.startswith("There is nothing to fill")
    assert coverage.hours(SERIAL, NOW - timedelta(days=9), NOW + timedelta(days=9)) == {}


@pytest.mark.usefixtures("coverage")
def test_an_unknown_inverter_is_reported_with_the_known_ones(command: Command) -> None:
    code, _, complaint = command("status", "--serial", "RB1")
    assert code == 1
    assert complaint == f"There is no inverter RB1; there are: {SERIAL}.\n"


def test_before_the_first_reading_there_is_no_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.setenv("REDBACK_DATA", str(tmp_path))
    code, _, complaint = command("status")
    assert code == 1
    assert complaint == "There is no history yet: no reading has arrived.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("coverage")
def test_an_invalid_time_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fill", "yesterday", "today"])
    assert "'yesterday' is not a time like 2026-03-02T07" in capsys.readouterr().err
