"""The program: runs the benchmarks, and tells their figures to people and to machines."""

import argparse
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from benchmarks import (
    database,
    freshness,
    history,
    memory,
    processor,
    publishing,
    start,
    traffic,
)
from benchmarks.figures import Outcome, machine, plain
from benchmarks.table import table

FIGURES = "figures.json"
_OUTPUT = Path("tests/.output/benchmark")


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
    "history": history.measure,
    "database": database.measure,
}
# A world with a clock of its own has mounts that nobody else sees.
_AS_ROOT = {"database"}


def main() -> None:
    """Run those that are wanted; exit code 1 if one of them fails, after all others."""
    arguments = _parser().parse_args()
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in arguments.only or BENCHMARKS:
        if name in _AS_ROOT and os.geteuid() != 0:
            sys.stdout.write(f"\nNot measured: {name}, which needs root.\n")
            continue
        told = _run(name, folder, quick=arguments.quick)
        _keep(name, told, folder / FIGURES)
        if "failed" in told:
            failed.append(name)
    sys.stdout.write(f"\nFor machines, and what is drawn: {folder}\n")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


def _keep(name: str, told: Mapping[str, Any], file: Path) -> None:
    """Write it down beside what others have told, maybe in earlier runs; all take hours."""
    kept = msgspec.json.decode(file.read_bytes())["benchmarks"] if file.exists() else {}
    everything = {"benchmarks": {**kept, name: told}}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(everything)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/benchmark",
        description="Measures how fast and how light the service is, beside something bare.",
    )
    add = parser.add_argument
    add("--only", action="append", choices=BENCHMARKS, help="may be given several times")
    add("--quick", action="store_true", help="small runs, which only show that it works")
    help_output = f"where {FIGURES} for machines and what is drawn go; {_OUTPUT} otherwise"
    add("--output", type=Path, metavar="FOLDER", default=_OUTPUT, help=help_output)
    return parser


def _commit() -> str:
    """Tell what is measured, and whether something of it is not committed."""
    return subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - wherever git is
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    ).stdout.strip()


def _run(name: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    """Run one; gives what is told of it to machines, its failure too."""
    sys.stdout.write(f"\n## {name}\n")
    sys.stdout.flush()
    origin = {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "quick": quick,
    }
    try:
        return origin | _measured(name, folder, quick=quick)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others can be measured
        traceback.print_exc()
        return origin | {"failed": repr(error)}


def _measured(name: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    began, before = time.monotonic(), machine()
    outcome = BENCHMARKS[name](quick=quick)
    seconds = time.monotonic() - began
    after = machine()
    sys.stdout.write(
        f"{after.cores} x {after.processor}; {seconds:.0f} s;"
        f" load {before.load} before, {after.load} after\n\n{table(outcome.figures)}\n"
    )
    sys.stdout.flush()
    for file, drawn in outcome.pictures.items():
        (folder / file).write_text(drawn)
    return {
        "seconds": seconds,
        "machine": msgspec.to_builtins(after),
        "load_before": before.load,
        "figures": [plain(figure) for figure in outcome.figures],
    }


if __name__ == "__main__":
    main()
