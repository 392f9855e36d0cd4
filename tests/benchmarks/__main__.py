"""Run the benchmarks, and write their figures for people and for machines."""

# ruff: noqa: T201 - people read what is printed

import argparse
import compileall
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

import redback
from benchmarks import database, devices, fleet, freshness, history, publishing, start
from benchmarks.figures import Figure, Length, plain, table

FIGURES = "figures.json"
Measure = Callable[[Length], Sequence[Figure]]
BENCHMARKS: Mapping[str, Measure] = {
    "freshness": freshness.measure,
    "publishing": publishing.measure,
    "devices": devices.measure,
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
    parser = argparse.ArgumentParser(prog="script/benchmark")
    add = parser.add_argument
    add("--only", action="append", choices=BENCHMARKS, help="may be repeated")
    add("--quick", action="store_true", help="only show that each works")
    add("--long", action="store_true", help=f"hours, for {', '.join(_HAVE_LONG_RUNS)} alone")
    add("--output", type=Path, default=_OUTPUT, help=f"folder for {FIGURES} (%(default)s)")
    arguments = parser.parse_args()
    length = Length.QUICK if arguments.quick else Length.LONG if arguments.long else Length.USUAL
    os.environ.update(_LIKE_THE_IMAGE)
    # As in the image: where Python writes no bytecode itself, each start would compile everything.
    compileall.compile_dir(str(Path(redback.__file__).parent), quiet=1)
    file = arguments.output / FIGURES
    file.parent.mkdir(parents=True, exist_ok=True)
    began, failed = time.monotonic(), []
    for name in arguments.only or (_HAVE_LONG_RUNS if arguments.long else BENCHMARKS):
        if name in _AS_ROOT and os.geteuid() != 0:
            print(f"\nNot measured: {name}, which needs root.")
            continue
        result = _run(name, length)
        # What other benchmarks have measured stays, also in earlier runs.
        earlier = msgspec.json.decode(file.read_bytes())["benchmarks"] if file.exists() else {}
        everything = {"benchmarks": earlier | {name: result}}
        file.write_bytes(msgspec.json.format(msgspec.json.encode(everything)))
        if "failed" in result:
            failed.append(name)
    print(f"\nAll together: {(time.monotonic() - began) / 60:.1f} minutes. For machines: {file}")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


def _run(name: str, length: Length) -> dict[str, Any]:
    """Run one; returns what machines read, also if it fails."""
    print(f"\n## {name}", flush=True)
    describe = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    commit = subprocess.run(describe, capture_output=True, check=False)  # noqa: S603 - git
    models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    result: dict[str, Any] = {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.decode().strip(),
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} x {models[0] if models else platform.machine()}",
        "length": length,
        "load": [os.getloadavg()[0]],
    }
    began = time.monotonic()
    try:
        figures = BENCHMARKS[name](length)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others can be measured
        traceback.print_exc()
        return result | {"failed": repr(error)}
    result["seconds"] = time.monotonic() - began
    result["load"].append(os.getloadavg()[0])
    before, after = result["load"]
    print(f"{result['machine']}; Python {result['python']}", end="; ")
    print(f"{result['seconds']:.0f} s; load {before:.1f} to {after:.1f}\n")
    print(table(figures), flush=True)
    return result | {"figures": [plain(figure) for figure in figures]}


if __name__ == "__main__":
    main()
