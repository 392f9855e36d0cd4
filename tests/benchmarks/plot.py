"""Draws lines as SVG, both axes logarithmic."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 360, 60, 20, 40, 50
_COLOURS = ("#ff9800", "#488fc2", "#8353d1")
_STYLE = "text{font:13px sans-serif;fill:#888}path,line{fill:none}"


@dataclass(frozen=True)
class Line:
    """A line: its name, and its points, all above zero."""

    name: str
    points: Mapping[int, float]


@dataclass(frozen=True)
class _Axis:
    """Whole powers of ten from `low` to `high`, on pixels from `start` to `end`."""

    low: int
    high: int
    start: float
    end: float

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]

    def pixel(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def plot(title: str, axes: tuple[str, str], lines: Sequence[Line]) -> str:
    """Draw it; `axes` are the names of the horizontal and of the vertical one."""
    across = _axis((x for line in lines for x in line.points), _LEFT, _WIDTH - _RIGHT)
    up = _axis((y for line in lines for y in line.points.values()), _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        f"<style>{_STYLE}</style>",
        _text(_LEFT, _TOP / 2, title),
        _text(_WIDTH - _RIGHT, _HEIGHT - 10, axes[0], "end"),
        _text(_LEFT - 8, _TOP - 8, axes[1], "end"),
        *_grid(across, up),
        *(
            part
            for number, line in enumerate(lines)
            for part in _line(line, _COLOURS[number], number, across, up)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axis(values: Iterable[float], start: float, end: float) -> _Axis:
    found = [math.log10(value) for value in values]
    low = math.floor(min(found))
    return _Axis(low, max(math.ceil(max(found)), low + 1), start, end)


def _grid(across: _Axis, up: _Axis) -> Iterator[str]:
    for tick in across.ticks:
        x = across.pixel(tick)
        yield f'<line x1="{x}" x2="{x}" y1="{up.start}" y2="{up.end}" stroke="#8883"/>'
        yield _text(x, up.start + 18, f"{tick:g}", "middle")
    for tick in up.ticks:
        y = up.pixel(tick)
        yield f'<line x1="{across.start}" x2="{across.end}" y1="{y}" y2="{y}" stroke="#8883"/>'
        yield _text(across.start - 8, y + 4, f"{tick:g}", "end")


def _line(line: Line, colour: str, number: int, across: _Axis, up: _Axis) -> Iterator[str]:
    points = [(across.pixel(x), up.pixel(y)) for x, y in sorted(line.points.items())]
    path = " L".join(f"{x},{y}" for x, y in points)
    yield f'<path d="M{path}" stroke="{colour}" stroke-width="2"/>'
    for x, y in points:
        yield f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
    y = up.end + 16 + 18 * number
    yield f'<circle cx="{across.end - 130}" cy="{y - 4}" r="4" fill="{colour}"/>'
    yield _text(across.end - 120, y, line.name)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
