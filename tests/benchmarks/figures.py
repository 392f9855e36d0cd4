"""What a benchmark tells: figures, each beside something that was measured in the same run."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec


class Beside(msgspec.Struct, frozen=True):
    """What a figure is compared with, in the same unit."""

    name: str
    value: float


class Figure(msgspec.Struct, frozen=True):
    """One thing that was measured.

    Attributes:
        name: what it is.
        value: how much.
        unit: of the value.
        beside: what was measured in the same run to compare it with.
        most: the goal for the value: it should be no more.
        most_ratio: the goal for the ratio.
    """

    name: str
    value: float
    unit: str
    beside: Beside | None = None
    most: float | None = None
    most_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value divided by what it is compared with; None where there is nothing of it."""
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


class Outcome(msgspec.Struct, frozen=True):
    """What one benchmark has measured.

    Attributes:
        figures: in the order in which people should read them.
        pictures: SVG files by their name.
    """

    figures: Sequence[Figure]
    pictures: dict[str, str] = msgspec.field(default_factory=dict)


class Machine(msgspec.Struct, frozen=True):
    """Where figures were taken, and what else was going on there."""

    processor: str
    cores: int
    load: float


def machine() -> Machine:
    """Describe this machine; the load is the mean number of busy processes of the last minute."""
    described = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in described if line.startswith("model name")), ": unknown")
    cores = sum(line.startswith("processor") for line in described)
    load = Path("/proc/loadavg").read_text().split()[0]
    return Machine(model.partition(": ")[2], cores, float(load))


def plain(figure: Figure) -> dict[str, Any]:
    """Give a figure as what JSON can hold, with what follows from it."""
    found: dict[str, Any] = msgspec.to_builtins(figure)
    return found | {"ratio": figure.ratio, "is_met": figure.is_met}


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the value that so many percent of the values do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
