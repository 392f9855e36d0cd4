"""The outcome of a run, for people."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any


def text(result: Mapping[str, Any]) -> str:
    """Write what went wrong and what became of every hour of every counter."""
    return "\n".join(_lines(result))


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"seed {result['seed']}, {result['hours']} hours, quiet: {result['quiet']} (UTC)"
    yield ""
    for trouble in result["troubles"]:
        times = (_time(trouble[name]) for name in ("began", "ended", "healed"))
        yield f"{'  '.join(times)}  {trouble['name']}"
    yield ""
    yield f"{'hour':5}  {'counter':32} {'stored':>8} {'true':>8} {'sum':>9} {'true sum':>9}"
    for row in sorted(result["rows"], key=lambda row: (row["hour"], row["entity"])):
        stored = (_kwh(row[name]) for name in ("stored", "true"))
        sums = (_kwh(row[name]) for name in ("stored_sum", "true_sum"))
        kind = "clean" if row["clean"] else "faulty"
        yield (
            f"{_time(row['hour'])[:5]}  {row['entity']:32} {' '.join(f'{x:>8}' for x in stored)}"
            f" {' '.join(f'{x:>9}' for x in sums)}  {kind:6}  {row['verdict']}"
        )


def _time(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%H:%M:%S}"


def _kwh(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
