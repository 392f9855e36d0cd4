"""The command redback-history: shows what is covered and missing, and fills a range again.

It reads and marks the running add-on's file; the add-on does the work.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from .. import options
from ..environment import data_folder
from ..ledger import HOUR
from .coverage import FILE, Coverage, Hour, Span
from .gaps import find
from .refill import NOTHING, RefillError, hours, moment, request_hours, span


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return the exit code."""
    try:
        _run(_parser().parse_args(arguments))
    except (RefillError, options.OptionsError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - for whoever typed the command
        return 1
    return 0


def _run(wanted: argparse.Namespace) -> None:
    path = data_folder() / FILE
    if not path.exists():
        raise RefillError("There is no history yet: no reading has arrived.")
    coverage = Coverage(path)
    try:
        spans = _spans(coverage, wanted.serial)
        if wanted.command == "fill":
            _fill(coverage, spans, wanted)
        else:
            _print_status(coverage, spans)
    finally:
        coverage.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="redback-history", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    status = commands.add_parser("status", help="show what is covered and what is missing")
    fill = commands.add_parser("fill", help="fill a range again")
    for command in (status, fill):
        command.add_argument("--serial", help="one inverter; all by default")
    fill.add_argument("since", type=_moment, help="local time, such as 2026-03-02T07")
    fill.add_argument("until", type=_moment, help="local time, such as 2026-03-03")
    fill.add_argument("--dry-run", action="store_true", help="only show what would be filled")
    return parser


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except RefillError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _spans(coverage: Coverage, serial: str | None) -> dict[str, Span]:
    """Return the range that may be filled, by the serial of each selected inverter."""
    serials = coverage.serials()
    if serial is not None and serial not in serials:
        raise RefillError(f"There is no inverter {serial}; there are: {', '.join(serials)}.")
    days = options.read(data_folder() / options.FILE).history_days
    selected = serials if serial is None else [serial]
    return {one: span(coverage, one, days, datetime.now(UTC)) for one in selected}


def _print_status(coverage: Coverage, spans: Mapping[str, Span]) -> None:
    for serial, allowed in spans.items():
        gaps = find(coverage, serial, allowed.since, allowed.until)
        missing = sum(len(gap.hours) for gap in gaps)
        whys = _whys(coverage.hours(serial, allowed.since, allowed.until).values())
        lines = [
            f"Inverter {serial}, {_local(allowed.since)} to {_local(allowed.until)}:",
            f"  hours: {round((allowed.until - allowed.since) / HOUR)}",
            f"  missing: {missing}",
            *(f"    {_local(gap.since)} to {_local(gap.until)}" for gap in gaps),
            *(f"  {_local(since)} to {_local(until)}: {why}" for since, until, why in whys),
        ]
        print("\n".join(lines))  # noqa: T201 - for whoever typed the command


def _whys(hours: Iterable[Hour]) -> list[tuple[datetime, datetime, str]]:
    """Return what is wrong with hours, with the range of each reason."""
    whys: list[tuple[datetime, datetime, str]] = []
    for hour in hours:
        if hour.why is None:
            continue
        since = hour.start
        if whys and whys[-1][1:] == (hour.start, hour.why):
            since, _, _ = whys.pop()
        whys.append((since, hour.start + HOUR, hour.why))
    return whys


def _fill(coverage: Coverage, spans: Mapping[str, Span], wanted: argparse.Namespace) -> None:
    number = 0
    for serial, allowed in spans.items():
        starts = hours(wanted.since, wanted.until, allowed)
        number += len(starts)
        if not wanted.dry_run:
            request_hours(coverage, serial, starts)
        for start in starts if wanted.dry_run else []:
            print(f"{serial} {_local(start)}")  # noqa: T201 - as above
    if not number:
        raise RefillError(NOTHING)
    verb = "would be" if wanted.dry_run else "will be"
    print(f"{number} hours {verb} filled again while the add-on runs.")  # noqa: T201 - as above


def _local(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


if __name__ == "__main__":
    sys.exit(main())
