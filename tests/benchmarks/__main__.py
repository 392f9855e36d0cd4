"""Run the benchmarks, and write their figures for people and for machines."""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import database, fleet, freshness, history, publishing, start
from benchmarks.figures import Figure, Length, plain, table

FIGURES = "figures.json"
Measure = Callable[[Length], Sequence[Figure]]
BENCHMARKS: Mapping[str, Measure] = {
    "freshness": freshness.measure,
    "publishing": publishing.measure,
    "start": start.measure,
    "fleet": fleet.measure,
    "history": history.measure,
    "database": database.measure,
}
_HAVE_LONG_RUNS = ("fleet", "history", "database")
# Its clock needs mounts that nobody else sees.
_AS_ROOT = {"database"}
_OUTPUT = Path("tests/.output/benchmark")
# musl, in the image, always gives pieces of this size back to the kernel. glibc keeps them in its
# heap by default, where the 256 KiB that asyncio reads with leave holes.
_LIKE_THE_IMAGE = {"MALLOC_MMAP_THRESHOLD_": "131052"}


def main() -> None:
    """Run the selected ones; exit code 1 if one of them fails, after all others."""
    arguments = _parser().parse_args()
    os.environ.update(_LIKE_THE_IMAGE)
    file: Path = arguments.output / FIGURES
    file.parent.mkdir(parents=True, exist_ok=True)
    length: Length = arguments.length
    began, failed = time.monotonic(), []
    for name in arguments.only or (_HAVE_LONG_RUNS if length is Length.LONG else BENCHMARKS):
        if name in _AS_ROOT and os.geteuid() != 0:
            _say(f"\nNot measured: {name}, which needs root.")
            continue
        result = _run(name, length)
        _keep(name, result, file)
        if "failed" in result:
            failed.append(name)
    _say(f"\nAll together: {(time.monotonic() - began) / 60:.1f} minutes. For machines: {file}")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


def _keep(name: str, result: Mapping[str, Any], file: Path) -> None:
    """Write it beside the results of other benchmarks, which may be of earlier runs."""
    kept = msgspec.json.decode(file.read_bytes())["benchmarks"] if file.exists() else {}
    everything = {"benchmarks": {**kept, name: result}}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(everything)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/benchmark",
        description="Measures how fast and how light the service is, beside something bare.",
    )
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="may be repeated")
    length = parser.add_mutually_exclusive_group()
    for flag, it in (
        (Length.QUICK, "only show that it works"),
        (Length.LONG, f"only what takes hours, for {', '.join(_HAVE_LONG_RUNS)}"),
    ):
        length.add_argument(f"--{flag}", dest="length", action="store_const", const=flag, help=it)
    help_output = f"where {FIGURES} goes, for machines (%(default)s)"
    parser.add_argument("--output", type=Path, metavar="FOLDER", default=_OUTPUT, help=help_output)
    parser.set_defaults(length=Length.USUAL)
    return parser


def _commit() -> str:
    """Return what is measured, and whether part of it is not committed."""
    return subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - wherever git is
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    ).stdout.strip()


def _run(name: str, length: Length) -> dict[str, Any]:
    """Run one; returns what machines read, also if it fails."""
    _say(f"\n## {name}")
    result: dict[str, Any] = {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": _machine(),
        "length": length,
        "load_before": os.getloadavg()[0],
    }
    began = time.monotonic()
    try:
        figures = BENCHMARKS[name](length)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others can be measured
        traceback.print_exc()
        return result | {"failed": repr(error)}
    result |= {"seconds": time.monotonic() - began, "load_after": os.getloadavg()[0]}
    _say(
        f"{result['machine']}; {result['seconds']:.0f} s;"
        f" load {result['load_before']:.1f} before, {result['load_after']:.1f} after\n"
        f"\n{table(figures)}"
    )
    return result | {"figures": [plain(figure) for figure in figures]}


def _machine() -> str:
    models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{os.cpu_count()} x {models[0] if models else platform.machine()}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
