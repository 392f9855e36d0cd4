"""The figures of a benchmark, each beside something measured in the same run, and their table."""

import statistics
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import msgspec

_HEAD = ("", "measured", "beside it", "ratio", "goal", "")
_VERDICTS = {None: "", True: "met", False: "MISSED"}


class Length(StrEnum):
    """How long a benchmark runs.

    Attributes:
        QUICK: only shows that it works.
        USUAL: all of them together take less than half an hour.
        LONG: a week, a year and a day; takes hours.
    """

    QUICK = "quick"
    USUAL = "usual"
    LONG = "long"


class Beside(msgspec.Struct, frozen=True):
    """What a figure is compared with, in the same unit."""

    name: str
    value: float


class Figure(msgspec.Struct, frozen=True):
    """One measurement.

    Attributes:
        name: what was measured.
        value: the result.
        unit: of the value.
        beside: what was measured in the same run to compare it with.
        most: goal for the value: no more than this.
        most_ratio: goal for the ratio: no more than this.
    """

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
    beside = figure.beside
    goals = []
    if figure.most is not None:
        goals.append(f"<= {number(figure.most)} {figure.unit}")
    if figure.most_ratio is not None:
        goals.append(f"ratio <= {number(figure.most_ratio)}")
    return (
        figure.name,
        f"{number(figure.value)} {figure.unit}",
        "" if beside is None else f"{number(beside.value)} ({beside.name})",
        "" if figure.ratio is None else number(figure.ratio),
        ", ".join(goals),
        _VERDICTS[figure.is_met],
    )


def number(value: float) -> str:
    """Return a number with three significant digits, without an exponent."""
    if value == 0:
        return "0"
    size = abs(value)
    for least, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3), (0.01, 4)):
        if size >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.5f}"
