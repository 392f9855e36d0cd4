"""The stand-in Core's long-term statistics: what may be imported, and what is read back."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from standin.errors import (
    CommandError,
    Path,
    Problem,
    UnfitError,
    check_keys,
    home_assistant_error,
    key_problems,
    refuse,
)
from standin.serving import Message
from standin.states import States, is_entity_id
from standin.versions import (
    EMPTY,
    MISSING_KEY,
    NO_MAPPING,
    NO_NUMBER,
    NO_TEXT_OR_NULL,
    OPTIONAL_METADATA,
    PERIODS,
    REQUIRED_METADATA,
    UNIT_CLASSES_SINCE,
    Change,
    Version,
    not_one_of,
)

LOCAL = timezone(timedelta(hours=10), "AEST")
"""The stand-in Core's time zone, Brisbane's: days and months begin by it."""

_UNIT_CLASSES: Mapping[str, Collection[str | None]] = {
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

_BOOLEAN = ((bool,), "expected bool")
_TEXT = ((str,), "expected str")
_TEXT_OR_NULL = ((str, type(None)), NO_TEXT_OR_NULL)
_METADATA: Mapping[str, tuple[tuple[type, ...], str | Change[str]]] = {
    "has_mean": _BOOLEAN,
    "mean_type": ((int,), "expected int"),
    "has_sum": _BOOLEAN,
    "name": _TEXT_OR_NULL,
    "source": _TEXT,
    "statistic_id": _TEXT,
    "unit_class": _TEXT_OR_NULL,
    "unit_of_measurement": _TEXT_OR_NULL,
}
_NEW_METADATA = frozenset({"mean_type", "unit_class"})

_MEANS = ("mean", "min", "max")
_NUMBERS = (*_MEANS, "state", "sum")
COLUMNS = ("change", "last_reset", "max", "mean", "min", "state", "sum")

Row = dict[str, Any]
Table = dict[str, dict[datetime, Row]]


class Statistics:
    """Rows and metadata of every statistic; they outlive a restart.

    `rows` are the hourly ones, which can be imported; `short_term` those of five minutes, which
    only Core itself compiles, or `write` in its place. `version` is Core's (year, month). `defer`
    runs a function a little later, for Core too answers an import before it has written it.
    `warnings` collects what Core would log. `excluded` are the entities that the configuration of
    the recorder leaves out.
    """

    def __init__(
        self,
        version: Version,
        states: States,
        defer: Callable[[Callable[[], None]], None],
    ) -> None:
        self._version = version
        self._unit_classes = unit_classes(version)
        self._states = states
        self.defer = defer
        self.metadata: dict[str, Message] = {}
        self.rows: Table = {}
        self.short_term: Table = {}
        self.warnings: list[str] = []
        self.excluded: set[str] = set()

    def import_rows(self, message: Message) -> None:
        """`recorder/import_statistics`: check, and queue; a row that exists is replaced."""
        refuse(self._import_problems(message))
        metadata: Message = message["metadata"]
        rows = [_parsed(row) for row in message["stats"]]
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
        """`recorder/adjust_sum_statistics`: add to all sums from a time on, in both tables."""
        required = ("adjustment", "adjustment_unit_of_measurement", "start_time", "statistic_id")
        check_keys(message, required, message)
        start = _time(message, "start_time")
        listed = self.list_ids({"statistic_ids": [message["statistic_id"]]})
        if not listed:
            raise CommandError("unknown_statistic_id", "Unknown statistic ID")
        stored = listed[0]["statistics_unit_of_measurement"]
        unit = message["adjustment_unit_of_measurement"]
        unit_class = self._class_of(unit)
        if unit != stored and (unit_class is None or unit_class != self._class_of(stored)):
            raise CommandError("invalid_units", f"Can't convert {stored} to {unit}")
        amount = message["adjustment"] * self._factor(unit, stored)
        self.defer(lambda: self._add(message["statistic_id"], start, amount))

    def _add(self, name: str, start: datetime, amount: float) -> None:
        for table, since in ((self.short_term, start), (self.rows, start.replace(minute=0))):
            for at, row in table.get(name, {}).items():
                if at >= since and row["sum"] is not None:
                    row["sum"] += amount

    def during_period(self, message: Message) -> dict[str, list[Row]]:
        """`recorder/statistics_during_period`, in the units of the states or those asked for."""
        refuse(self._question_problems(message))
        period, names = message["period"], message["statistic_ids"]
        columns = message.get("types", COLUMNS)
        units = message.get("units", {})
        start = _time(message, "start_time")
        end = _time(message, "end_time") if "end_time" in message else None
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

    def validate(self) -> dict[str, list[Message]]:
        """`recorder/validate_statistics`, as far as it is about what the recorder leaves out."""
        return {
            name: [{"type": kind, "data": {"statistic_id": name}}]
            for name in sorted(self.excluded)
            if (kind := self._exclusion(name)) is not None
        }

    def _exclusion(self, name: str) -> str | None:
        state = self._states.get(name)
        if state is None:
            return None
        if name in self.metadata:
            return "entity_no_longer_recorded"
        return "entity_not_recorded" if "state_class" in state.attributes else None

    def _import_problems(self, message: Message) -> Iterator[Problem]:
        metadata, stats = message.get("metadata"), message.get("stats")
        if isinstance(metadata, dict):
            yield from self._metadata_problems(metadata)
        else:
            yield Problem(NO_MAPPING, ("metadata",), metadata)
        if not isinstance(stats, list):
            yield Problem("expected a list", ("stats",), stats)
            return
        for index, row in enumerate(stats):
            yield from _row_problems(row, ("stats", index))

    def _metadata_problems(self, metadata: Message) -> Iterator[Problem]:
        required = REQUIRED_METADATA.at(self._version)
        known = required | OPTIONAL_METADATA.at(self._version)
        yield from key_problems(metadata, required, known, ("metadata",))
        for name in known & set(metadata):
            types, problem = _METADATA[name]
            if not isinstance(metadata[name], types):
                yield Problem(problem, ("metadata", name), metadata[name])
        if "mean_type" in known and metadata.get("mean_type", 0) not in {0, 1, 2}:
            place = ("metadata", "mean_type")
            yield Problem("value must be 0, 1 or 2", place, metadata["mean_type"])

    def _question_problems(self, message: Message) -> Iterator[Problem]:
        required = ("period", "start_time", "statistic_ids")
        yield from key_problems(message, required, message)
        if "period" in message:
            yield from _choice_problems(PERIODS.at(self._version), message["period"], ("period",))
        for index, name in enumerate(message.get("types", ())):
            yield from _choice_problems(COLUMNS, name, ("types", index))
        if not message.get("statistic_ids", True):
            yield Problem(EMPTY, ("statistic_ids",), message["statistic_ids"])
        units = message.get("units", {})
        yield from key_problems(units, (), self._unit_classes, ("units",))
        for name in self._unit_classes.keys() & set(units):
            known = self._unit_classes[name]
            if units[name] not in known:
                yield Problem(f"value must be one of {known}", ("units", name), units[name])

    def _complete(self, metadata: Message) -> Message:
        known = OPTIONAL_METADATA.at(self._version)
        self.warnings.extend(
            f"recorder/import_statistics called without specifying {name}"
            for name in sorted(_NEW_METADATA & known - set(metadata))
        )
        unit = metadata["unit_of_measurement"]
        unit_class = metadata.get("unit_class", self._class_of(unit))
        if unit_class is not None and unit_class not in self._unit_classes:
            raise home_assistant_error(f"Unsupported unit_class: '{unit_class}'")
        if unit_class is not None and unit not in self._unit_classes[unit_class]:
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
        unit_class = metadata["unit_class"] or self._class_of(stored)
        return self._factor(stored, shown if unit_class is None else units.get(unit_class, shown))

    def _factor(self, unit: str | None, wanted: str | None) -> float:
        """What a number in one unit is multiplied with to be in the other."""
        if self._class_of(unit) != self._class_of(wanted):
            return 1.0
        return _PER_LARGEST.get(wanted or "", 1.0) / _PER_LARGEST.get(unit or "", 1.0)

    def _class_of(self, unit: str | None) -> str | None:
        return next((name for name, units in self._unit_classes.items() if unit in units), None)

    def _has(self, name: str, column: str) -> bool:
        metadata = self.metadata[name]
        if column in _MEANS:
            return bool(metadata["mean_type"])
        return column == "last_reset" or bool(metadata["has_sum"])

    def _promised(self) -> dict[str, Message]:
        """What Core lists already because a sensor's state says it will have statistics."""
        return {
            state.entity_id: self._metadata_of(state.entity_id, state.attributes)
            for state in self._states
            if state.entity_id.startswith("sensor.")
            and "state_class" in state.attributes
            and state.entity_id not in self.excluded
        }

    def _metadata_of(self, entity_id: str, attributes: Mapping[str, Any]) -> Message:
        unit = attributes.get("unit_of_measurement")
        mean_type = _MEAN_TYPE_OF.get(attributes["state_class"], 0)
        return {
            "statistic_id": entity_id,
            "mean_type": mean_type,
            "has_sum": not mean_type,
            "name": None,
            "source": "recorder",
            "unit_class": self._class_of(unit),
            "unit_of_measurement": unit,
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


def unit_classes(version: Version) -> dict[str, Collection[str | None]]:
    """Return the classes of units that this version of Core has, with their units."""
    return {
        name: units
        for name, units in _UNIT_CLASSES.items()
        if version >= UNIT_CLASSES_SINCE.get(name, version)
    }


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


def _choice_problems(known: Sequence[str], value: object, path: Path) -> Iterator[Problem]:
    if value not in known:
        yield Problem(not_one_of(known), path, value)


def _row_problems(row: Message, path: Path) -> Iterator[Problem]:
    yield from key_problems(row, ("start",), ("start", "last_reset", *_NUMBERS), path)
    for name in _NUMBERS:
        if name in row and not isinstance(row[name], (int, float)):
            yield Problem(NO_NUMBER, (*path, name), row[name])
    if "start" in row:
        try:
            datetime.fromisoformat(row["start"])
        except (TypeError, ValueError):
            what = f"Invalid datetime specified: {row['start']}"
            yield Problem(what, (*path, "start"), row["start"])


def _parsed(row: Message) -> Row:
    numbers = {name: float(row[name]) for name in _NUMBERS if name in row}
    return {**row, **numbers, "start": datetime.fromisoformat(row["start"])}


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
    except KeyError:
        raise UnfitError(Problem(MISSING_KEY, (name,))) from None
    except TypeError:
        raise UnfitError(Problem("expected str", (name,), message[name])) from None
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
