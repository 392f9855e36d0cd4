"""Formats figures for people: the one place that knows how they look."""

from collections.abc import Iterable

from benchmarks.figures import Figure

_HEAD = ("", "measured", "beside it", "ratio", "goal", "")
_VERDICTS = {None: "", True: "met", False: "MISSED"}


def table(figures: Iterable[Figure]) -> str:
    """Give a table in Markdown, which is legible as it is too."""
    rows = [_HEAD, *map(_row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([lines[0], _line(["-" * width for width in widths], widths), *lines[1:]])


def _row(figure: Figure) -> tuple[str, ...]:
    beside = figure.beside
    return (
        figure.name,
        f"{number(figure.value)} {figure.unit}",
        "" if beside is None else f"{number(beside.value)} ({beside.name})",
        "" if figure.ratio is None else number(figure.ratio),
        _goal(figure),
        _VERDICTS[figure.is_met],
    )


def _goal(figure: Figure) -> str:
    goals = []
    if figure.most is not None:
        goals.append(f"<= {number(figure.most)} {figure.unit}")
    if figure.most_ratio is not None:
        goals.append(f"ratio <= {number(figure.most_ratio)}")
    return ", ".join(goals)


def number(value: float) -> str:
    """Write three digits that count, and no power of ten."""
    if value == 0:
        return "0"
    size = abs(value)
    for least, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3), (0.01, 4)):
        if size >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.5f}"


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"
