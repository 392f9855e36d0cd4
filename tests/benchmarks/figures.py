"""The figures of a benchmark, each beside something measured in the same run, and their table."""

import statistics
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import msgspec

_HEAD = ("", "measured", "beside it", "ratio", "goal", "")
_VERDICTS = {None: "", True: "met", False: "MISSED"}


class Length(StrEnum):
    """How long a benchmark runs: to show that it works, for its figures, or for hours."""

    QUICK = "quick"
    USUAL = "usual"
    LONG = "long"


class Beside(msgspec.Struct, frozen=True):
    """What a figure is compared with, in the same unit."""

    name: str
    value: float


class Figure(msgspec.Struct, frozen=True):
    """One measurement, what it is compared with, and the goals: the most that each may be."""

    name: str
    value: float
    unit: str
    beside: Beside | None = None
    most: float | None = None
    most_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value divided by what it is compared with; None without that, or if it is 0."""
        if self.beside is None or self.beside.value == 0:
            return None
        return self.value / self.beside.value

    @property
    def is_met(self) -> bool | None:
        """Whether every goal is met; None where there is none."""
        found = [
            measured <= most
            for measured, most in ((self.value, self.most), (self.ratio, self.most_ratio))
            if most is not None and measured is not None
        ]
        return all(found) if found else None


def plain(figure: Figure) -> dict[str, Any]:
    """Return a figure as JSON can hold it, with its ratio and its verdict."""
    found: dict[str, Any] = msgspec.to_builtins(figure)
    return found | {"ratio": figure.ratio, "is_met": figure.is_met}


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that this percentage of the values does not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def table(figures: Iterable[Figure]) -> str:
    """Return a table in Markdown with aligned columns."""
    rows = [_HEAD, *map(_row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    )


def _row(figure: Figure) -> tuple[str, ...]:
    beside, ratio, unit = figure.beside, figure.ratio, figure.unit
    goals = [f"<= {number(most)} {unit}" for most in (figure.most,) if most is not None]
    goals += [f"ratio <= {number(most)}" for most in (figure.most_ratio,) if most is not None]
    return (
        figure.name,
        f"{number(figure.value)} {unit}",
        "" if beside is None else f"{number(beside.value)} ({beside.name})",
        "" if ratio is None else number(ratio),
        ", ".join(goals),
        _VERDICTS[figure.is_met],
    )


def number(value: float) -> str:
    """Return a number with three significant digits, without an exponent."""
    size = abs(value)
    steps = ((100, 0), (10, 1), (1, 2), (0.1, 3), (0.01, 4), (0, 5))
    return f"{value:,.{next(digits for least, digits in steps if size >= least)}f}" if size else "0"
