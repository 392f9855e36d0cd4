"""The stand-in Core's long-term statistics: what may be imported, and what is read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from standin.errors import CommandError, home_assistant_error, invalid_format
from standin.states import is_entity_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from standin.serving import Message
    from standin.states import States

LOCAL = timezone(timedelta(hours=10), "AEST")
"""The stand-in Core's time zone, Brisbane's: days and months begin by it."""

MEAN_TYPES_SINCE = (2025, 11)
"""The first version that wants `mean_type` and `unit_class` in an import's metadata."""

UNIT_CLASSES: Mapping[str, Collection[str | None]] = {
    "energy": ("mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "J", "kJ", "MJ", "GJ"),
    "power": ("mW", "W", "kW", "MW", "GW", "TW"),
    "apparent_power": ("mVA", "VA", "kVA"),
    "reactive_power": ("mvar", "var", "kvar"),
    "voltage": ("μV", "mV", "V", "kV", "MV"),
    "electric_current": ("μA", "mA", "A"),
    "frequency": ("mHz", "Hz", "kHz", "MHz", "GHz"),
    "temperature": ("°C", "°F", "K"),
    "unitless": (None, "%", "ppb", "ppm"),
}
_MEAN_TYPE_OF = {"measurement": 1, "measurement_angle": 2}
_PER_LARGEST = {"Wh": 1e6, "kWh": 1e3, "MWh": 1.0, "W": 1e3, "kW": 1.0}
"""How many of a unit make the largest one of its class here: all that can be converted here."""

_TEXT_OR_NULL = (str, type(None))
_METADATA: Mapping[str, tuple[type, ...]] = {
    "has_mean": (bool,),
    "mean_type": (int,),
    "has_sum": (bool,),
    "name": _TEXT_OR_NULL,
    "source": (str,),
    "statistic_id": (str,),
    "unit_class": _TEXT_OR_NULL,
    "unit_of_measurement": _TEXT_OR_NULL,
}
_NEW_METADATA = frozenset({"mean_type", "unit_class"})
_OPTIONAL_METADATA = _NEW_METADATA | {"has_mean"}

PERIODS = ("5minute", "hour", "day", "week", "month", "year")
_MEANS = ("mean", "min", "max")
_NUMBERS = (*_MEANS, "state", "sum")
_COLUMNS = ("change", "last_reset", *_NUMBERS)

Row = dict[str, Any]
Table = dict[str, dict[datetime, Row]]


class Statistics:
    """Rows and metadata of every statistic; they outlive a restart.

    `rows` are the hourly ones, which can be imported; `short_term` those of five minutes, which
    only Core itself compiles, or `write` in its place. `version` is Core's (year, month). `defer`
    runs a function a little later, for Core too answers an import before it has written it.
    `warnings` collects what Core would log.
    """

    def __init__(
        self,
        version: tuple[int, int],
        states: States,
        defer: Callable[[Callable[[], None]], None],
    ) -> None:
        self._modern = version >= MEAN_TYPES_SINCE
        self._states = states
        self.defer = defer
        self.metadata: dict[str, Message] = {}
        self.rows: Table = {}
        self.short_term: Table = {}
        self.warnings: list[str] = []

    def import_rows(self, message: Message) -> None:
        """`recorder/import_statistics`: check, and queue; a row that exists is replaced.

        Raises:
            CommandError: as Core refuses it.
        """
        metadata, stats = message.get("metadata"), message.get("stats")
        if not isinstance(metadata, dict):
            raise invalid_format(f"expected a dictionary at 'metadata'. Got {metadata!r}")
        if not isinstance(stats, list):
            raise invalid_format(f"expected a list at 'stats'. Got {stats!r}")
        self._check_metadata(metadata)
        rows = [_parse_row(row, f"stats[{index}]") for index, row in enumerate(stats)]
        if not is_entity_id(metadata["statistic_id"]):
            raise home_assistant_error("Invalid statistic_id")
        if metadata["source"] != "recorder":
            raise home_assistant_error("Invalid source")
        complete = self._complete(metadata)
        for row in rows:
            _check_start(row["start"])
        self.defer(lambda: self.write(complete, rows))

    def write(self, metadata: Message, rows: Iterable[Row], *, short_term: bool = False) -> None:
        """Store metadata and rows at once, for tests that need Core to have its own.

        A row has `start` (aware) and numbers; columns that it lacks are null.
        """
        name = metadata["statistic_id"]
        self.metadata[name] = metadata
        table = (self.short_term if short_term else self.rows).setdefault(name, {})
        empty: Row = {"last_reset": None, **dict.fromkeys(_NUMBERS)}
        for row in rows:
            start = row["start"].astimezone(UTC)
            table[start] = {**empty, **row, "start": start}

    def adjust(self, message: Message) -> None:
        """`recorder/adjust_sum_statistics`: add to all sums from a time on, in both tables.

        Raises:
            CommandError: as Core refuses it.
        """
        required = ("adjustment", "adjustment_unit_of_measurement", "start_time", "statistic_id")
        check_keys(message, required, message)
        start = _time(message, "start_time")
        listed = self.list_ids({"statistic_ids": [message["statistic_id"]]})
        if not listed:
            raise CommandError("unknown_statistic_id", "Unknown statistic ID")
        stored = listed[0]["statistics_unit_of_measurement"]
        unit = message["adjustment_unit_of_measurement"]
        if unit != stored and (_class_of(unit) is None or _class_of(unit) != _class_of(stored)):
            raise CommandError("invalid_units", f"Can't convert {stored} to {unit}")
        amount = message["adjustment"] * _factor(unit, stored)
        self.defer(lambda: self._add(message["statistic_id"], start, amount))

    def _add(self, name: str, start: datetime, amount: float) -> None:
        for table, since in ((self.short_term, start), (self.rows, start.replace(minute=0))):
            for at, row in table.get(name, {}).items():
                if at >= since and row["sum"] is not None:
                    row["sum"] += amount

    def during_period(self, message: Message) -> dict[str, list[Row]]:
        """`recorder/statistics_during_period`; in the units of the states, unless others are asked.

        Raises:
            CommandError: the message does not fit.
        """
        period = _one_of(PERIODS, message.get("period"), "period")
        columns = [
            _one_of(_COLUMNS, name, f"types[{index}]")
            for index, name in enumerate(message.get("types", _COLUMNS))
        ]
        names = message.get("statistic_ids")
        if not names:
            raise invalid_format(f"value must not be empty at 'statistic_ids'. Got {names!r}")
        start = _time(message, "start_time")
        end = _time(message, "end_time") if "end_time" in message else None
        units = message.get("units", {})
        _check_units(units)
        table = self.short_term if period == "5minute" else self.rows
        known = [name for name in names if name in table]
        shown = [column for column in columns if any(self._has(name, column) for name in known)]
        found = {name: _read(table[name], start, end, period) for name in known}
        return {
            name: [
                {key: row[key] for key in ("start", "end", *shown)}
                for row in _times(rows, self._conversion(name, units))
            ]
            for name, rows in found.items()
            if rows
        }

    def list_ids(self, message: Message) -> list[Message]:
        """`recorder/list_statistic_ids` and `recorder/get_statistics_metadata`."""
        wanted = message.get("statistic_ids")
        kind = message.get("statistic_type")
        known = {**self._promised(), **self.metadata}
        return [
            self._listed(metadata)
            for name, metadata in known.items()
            if (not wanted or name in wanted)
            and (kind != "sum" or metadata["has_sum"])
            and (kind != "mean" or metadata["mean_type"])
        ]

    def _check_metadata(self, metadata: Message) -> None:
        known = set(_METADATA) - (set() if self._modern else _NEW_METADATA)
        required = known - (_OPTIONAL_METADATA if self._modern else set())
        check_keys(metadata, required, known, "metadata.")
        for name, value in metadata.items():
            if not isinstance(value, _METADATA[name]):
                raise invalid_format(f"wrong type at 'metadata.{name}'. Got {value!r}")
        if metadata.get("mean_type", 0) not in {0, 1, 2}:
            got = metadata["mean_type"]
            raise invalid_format(f"value must be 0, 1 or 2 at 'metadata.mean_type'. Got {got!r}")

    def _complete(self, metadata: Message) -> Message:
        if self._modern:
            self.warnings.extend(
                f"recorder/import_statistics called without specifying {name}"
                for name in sorted(_NEW_METADATA - set(metadata))
            )
        unit = metadata["unit_of_measurement"]
        unit_class = metadata.get("unit_class", _class_of(unit))
        if unit_class is not None and unit_class not in UNIT_CLASSES:
            raise home_assistant_error(f"Unsupported unit_class: '{unit_class}'")
        if unit_class is not None and unit not in UNIT_CLASSES[unit_class]:
            raise home_assistant_error(
                f"Unsupported unit_of_measurement '{unit}' for unit_class '{unit_class}'"
            )
        mean_type = metadata.get("mean_type", int(metadata.get("has_mean", False)))
        return {**metadata, "mean_type": mean_type, "unit_class": unit_class}

    def _conversion(self, name: str, units: Mapping[str, str | None]) -> float:
        """What the numbers of a statistic are multiplied with when they are read."""
        metadata = self.metadata[name]
        stored = metadata["unit_of_measurement"]
        state = self._states.get(name)
        shown = state.attributes.get("unit_of_measurement") if state else stored
        unit_class = metadata["unit_class"] or _class_of(stored)
        return _factor(stored, shown if unit_class is None else units.get(unit_class, shown))

    def _has(self, name: str, column: str) -> bool:
        metadata = self.metadata[name]
        if column in _MEANS:
            return bool(metadata["mean_type"])
        return column == "last_reset" or bool(metadata["has_sum"])

    def _promised(self) -> dict[str, Message]:
        """What Core lists already because a sensor's state says it will have statistics."""
        return {
            state.entity_id: _metadata_of(state.entity_id, state.attributes)
            for state in self._states
            if state.entity_id.startswith("sensor.") and "state_class" in state.attributes
        }

    def _listed(self, metadata: Message) -> Message:
        state = self._states.get(metadata["statistic_id"])
        shown = state.attributes.get("unit_of_measurement") if state else None
        return {
            "statistic_id": metadata["statistic_id"],
            "display_unit_of_measurement": shown or metadata["unit_of_measurement"],
            "has_mean": metadata["mean_type"] == 1,
            "mean_type": metadata["mean_type"],
            "has_sum": metadata["has_sum"],
            "name": metadata["name"],
            "source": metadata["source"],
            "statistics_unit_of_measurement": metadata["unit_of_measurement"],
            "unit_class": metadata["unit_class"],
        }


def check_keys(
    data: Message, required: Collection[str], known: Collection[str], path: str = ""
) -> None:
    """Refuse a dictionary that lacks a key, or has one that nobody knows.

    Raises:
        CommandError: `invalid_format`.
    """
    for name in sorted(set(required) - set(data)):
        raise invalid_format(f"required key not provided at '{path}{name}'. Got None")
    for name in sorted(set(data) - set(known)):
        raise invalid_format(f"not a valid option at '{path}{name}'. Got {data[name]!r}")


def _check_units(units: Mapping[str, str | None]) -> None:
    check_keys(dict(units), (), UNIT_CLASSES, "units.")
    for name, unit in units.items():
        if unit not in UNIT_CLASSES[name]:
            raise invalid_format(f"value must be one of {UNIT_CLASSES[name]} at 'units.{name}'")


def _factor(unit: str | None, wanted: str | None) -> float:
    """What a number in one unit is multiplied with to be in the other."""
    if _class_of(unit) != _class_of(wanted):
        return 1.0
    return _PER_LARGEST.get(wanted or "", 1.0) / _PER_LARGEST.get(unit or "", 1.0)


def _times(rows: Iterable[Row], factor: float) -> list[Row]:
    numbers = ("change", *_NUMBERS)
    return [
        {
            **row,
            **{name: row[name] * factor for name in numbers if row[name] is not None},
        }
        for row in rows
    ]


def _read(
    table: Mapping[datetime, Row], start: datetime, end: datetime | None, period: str
) -> list[Row]:
    if period not in {"5minute", "hour"}:
        start = _period_start(start, period)
        end = end and _period_end(end, period)
    ordered = sorted(table.items())
    earlier = [row["sum"] for at, row in ordered if at < start]
    last_sum = (earlier[-1] if earlier else None) or 0.0
    groups: dict[datetime, list[Row]] = {}
    for at, row in ordered:
        if start <= at and (end is None or at < end):
            groups.setdefault(_period_start(at, period), []).append(row)
    answer = []
    for at, rows in groups.items():
        row = _reduced(rows)
        row["start"] = _milliseconds(at)
        row["end"] = _milliseconds(_period_end(at, period))
        row["change"] = None if row["sum"] is None else row["sum"] - last_sum
        last_sum = last_sum if row["sum"] is None else row["sum"]
        answer.append(row)
    return answer


def _one_of(known: Sequence[str], value: object, path: str) -> str:
    if value not in known:
        choice = " or ".join(map(repr, known))
        raise invalid_format(f"expected {choice} at '{path}'. Got {value!r}")
    return str(value)


def _class_of(unit: str | None) -> str | None:
    return next((name for name, units in UNIT_CLASSES.items() if unit in units), None)


def _metadata_of(entity_id: str, attributes: Mapping[str, Any]) -> Message:
    unit = attributes.get("unit_of_measurement")
    mean_type = _MEAN_TYPE_OF.get(attributes["state_class"], 0)
    return {
        "statistic_id": entity_id,
        "mean_type": mean_type,
        "has_sum": not mean_type,
        "name": None,
        "source": "recorder",
        "unit_class": _class_of(unit),
        "unit_of_measurement": unit,
    }


def _parse_row(row: Message, path: str) -> Row:
    check_keys(row, ("start",), ("start", "last_reset", *_NUMBERS), f"{path}.")
    for name in _NUMBERS:
        if name in row and not isinstance(row[name], (int, float)):
            raise invalid_format(f"expected int or float at '{path}.{name}'. Got {row[name]!r}")
    try:
        start = datetime.fromisoformat(row["start"])
    except (TypeError, ValueError):
        text = f"Invalid datetime specified: {row['start']} at '{path}.start'"
        raise invalid_format(f"{text}. Got {row['start']!r}") from None
    return {**row, **{name: float(row[name]) for name in _NUMBERS if name in row}, "start": start}


def _check_start(start: datetime) -> None:
    if start.tzinfo is None:
        raise home_assistant_error("Naive timestamp: no or invalid timezone info provided")
    if start.minute or start.second or start.microsecond:
        raise home_assistant_error(
            "Invalid timestamp: timestamps must be from the top of the hour"
            " (minutes and seconds = 0)"
        )


def _time(message: Message, name: str) -> datetime:
    try:
        time = datetime.fromisoformat(message[name])
    except (KeyError, TypeError):
        raise invalid_format(f"expected str at '{name}'. Got {message.get(name)!r}") from None
    except ValueError:
        raise CommandError(f"invalid_{name}", f"Invalid {name}") from None
    return time.replace(tzinfo=time.tzinfo or LOCAL).astimezone(UTC)


def _period_start(time: datetime, period: str) -> datetime:
    if period == "5minute":
        return time.replace(minute=time.minute // 5 * 5, second=0, microsecond=0)
    if period == "hour":
        return time.replace(minute=0, second=0, microsecond=0)
    day = time.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if period == "year" else day


def _period_end(time: datetime, period: str) -> datetime:
    longest = {
        "5minute": timedelta(minutes=5),
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(days=7),
        "month": timedelta(days=31),
        "year": timedelta(days=366),
    }[period]
    return _period_start(_period_start(time, period) + longest, period)


def _reduced(rows: Sequence[Row]) -> Row:
    """One row of many: the mean, the extremes, and the last of what counts up."""

    def values(name: str) -> list[float]:
        return [row[name] for row in rows if row[name] is not None]

    means = values("mean")
    return {
        **rows[-1],
        "mean": sum(means) / len(means) if means else None,
        "min": min(values("min"), default=None),
        "max": max(values("max"), default=None),
    }


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
