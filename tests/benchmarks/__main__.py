"""The program: runs the benchmarks, and tells their figures to people and to machines."""

import argparse
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from benchmarks import (
    database,
    freshness,
    growth,
    history,
    memory,
    processor,
    publishing,
    start,
    traffic,
)
from benchmarks.figures import Outcome, machine, plain
from benchmarks.table import table


class Measure(Protocol):
    """A benchmark."""

    def __call__(self, *, quick: bool) -> Outcome:
        """Run it; `quick`: only so long as to show that it works."""


BENCHMARKS: Mapping[str, Measure] = {
    "freshness": freshness.measure,
    "traffic": traffic.measure,
    "publishing": publishing.measure,
    "processor": processor.measure,
    "memory": memory.measure,
    "start": start.measure,
    "growth": growth.measure,
    "history": history.measure,
    "database": database.measure,
}


def main() -> None:
    """Run those that are wanted."""
    arguments = _parser().parse_args()
    names = arguments.only or list(BENCHMARKS)
    told: dict[str, Any] = {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": arguments.quick,
        "benchmarks": {name: _run(name, arguments) for name in names},
    }
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(told)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/benchmark",
        description="Measures how fast and how light the service is, beside something bare.",
    )
    add = parser.add_argument
    add("--only", action="append", choices=BENCHMARKS, help="may be given several times")
    add("--quick", action="store_true", help="small runs, which only show that it works")
    add("--json", type=Path, metavar="FILE", help="where to write everything for machines")
    add("--pictures", type=Path, metavar="FOLDER", help="where to write what is drawn, as SVG")
    return parser


def _run(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    sys.stdout.write(f"\n## {name}\n")
    sys.stdout.flush()
    began, before = time.monotonic(), machine()
    outcome = BENCHMARKS[name](quick=arguments.quick)
    seconds = time.monotonic() - began
    after = machine()
    sys.stdout.write(
        f"{after.cores} x {after.processor}; {seconds:.0f} s;"
        f" load {before.load} before, {after.load} after\n\n{table(outcome.figures)}\n"
    )
    sys.stdout.flush()
    if arguments.pictures is not None:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
        for file, drawn in outcome.pictures.items():
            (arguments.pictures / file).write_text(drawn)
    return {
        "seconds": seconds,
        "machine": msgspec.to_builtins(after),
        "load_before": before.load,
        "figures": [plain(figure) for figure in outcome.figures],
    }


if __name__ == "__main__":
    main()
