"""The stand-in Core's long-term statistics: what may be imported, and what is read back."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from standin.errors import (
    CommandError,
    Path,
    Problem,
    check_keys,
    home_assistant_error,
    key_problems,
    refuse,
)
from standin.serving import Message
from standin.states import States, is_entity_id
from standin.versions import (
    NO_NUMBER,
    OPTIONAL_METADATA,
    REQUIRED_METADATA,
    UNIT_CLASSES_SINCE,
    Version,
)

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

_NEW_METADATA = frozenset({"mean_type", "unit_class"})

_NUMBERS = ("mean", "min", "max", "state", "sum")
Row = dict[str, Any]
Table = dict[str, dict[datetime, Row]]


class Statistics:
    """Rows and metadata of every statistic; they outlive a restart.

    `rows` are the hourly ones, which can be imported; `short_term` those of five minutes, which
    only Core itself compiles, or `write` in its place. `version` is Core's (year, month). `defer`
    runs a function a little later, for Core too answers an import before it has written it.
    `warnings` collects what Core would log. `excluded` are the entities that the configuration of
    the recorder leaves out. `zone` is where days begin at midnight.
    """

    def __init__(
        self,
        version: Version,
        states: States,
        defer: Callable[[Callable[[], None]], None],
        zone: str,
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
        self.zone = ZoneInfo(zone)
        self._waiting = 0

    def info(self) -> Message:
        """`recorder/info`: how much waits to be written, and that all is well."""
        return {
            "backlog": self._waiting,
            "db_in_default_location": True,
            "max_backlog": 65_000,
            "migration_in_progress": False,
            "migration_is_live": False,
            "recording": True,
            "thread_running": True,
        }

    def _queue(self, write: Callable[[], None]) -> None:
        self._waiting += 1

        def done() -> None:
            self._waiting -= 1
            write()

        self.defer(done)

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
        self._queue(lambda: self.write(complete, rows))

    def write(self, metadata: Message, rows: Iterable[Row], *, short_term: bool = False) -> None:
        """Store metadata and rows at once, for tests that need Core to have its own.

        A row has `start` (aware) and numbers; columns that it lacks are null.
        """
        name = metadata["statistic_id"]
        self.metadata[name] = metadata
        table = (self.short_term if short_term else self.rows).setdefault(name, {})
        empty: Row = dict.fromkeys(_NUMBERS)
        for row in rows:
            start = row["start"].astimezone(UTC)
            table[start] = {**empty, **row, "start": start}

    def compile(self, start: datetime) -> None:
        """Write the rows of the five minutes since `start`, and at its end those of an hour.

        Core does so of itself. Here whoever runs it for people asks for it, and values count alike,
        however long each lasted; `recorder_model` has what Core gets wrong.
        """
        end = start + timedelta(minutes=5)
        within: dict[str, list[float]] = {}
        for push in self._states.history:
            if start <= push.at < end and (number := _number(push.state)) is not None:
                within.setdefault(push.entity_id, []).append(number)
        for name, metadata in self._promised().items():
            state = self._states.get(name)
            held = None if state is None else _number(state.state)
            numbers = within.get(name) or ([] if held is None else [held])
            if numbers:
                is_counter = metadata["has_sum"]
                row = self._counted(name, numbers) if is_counter else _measured(numbers)
                self.write(metadata, [{"start": start, **row}], short_term=True)
                if end.minute == 0:
                    self._compile_hour(metadata, end - timedelta(hours=1))

    def _counted(self, name: str, numbers: list[float]) -> Row:
        short_term = self.short_term.get(name)
        last = short_term[max(short_term)] if short_term else {"state": numbers[0], "sum": 0.0}
        grown = numbers[-1] - last["state"]
        return {"state": numbers[-1], "sum": last["sum"] + max(grown, 0.0)}

    def _compile_hour(self, metadata: Message, hour: datetime) -> None:
        name = metadata["statistic_id"]
        if hour in self.rows.get(name, {}):
            return
        times = [start for start in sorted(self.short_term[name]) if start >= hour]
        rows = [self.short_term[name][start] for start in times]
        row = {**rows[-1], "start": hour}
        if row["mean"] is not None:
            row["mean"] = sum(row["mean"] for row in rows) / len(rows)
            row["min"], row["max"] = (
                min(row["min"] for row in rows),
                max(row["max"] for row in rows),
            )
        self.write(metadata, [row])

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
        amount = message["adjustment"] * self._factor(unit, stored)
        self._queue(lambda: self._add(message["statistic_id"], start, amount))

    def _add(self, name: str, start: datetime, amount: float) -> None:
        for table, since in ((self.short_term, start), (self.rows, start.replace(minute=0))):
            for at, row in table.get(name, {}).items():
                if at >= since and row["sum"] is not None:
                    row["sum"] += amount

    def during_period(self, message: Message) -> dict[str, list[Row]]:
        """`recorder/statistics_during_period`, in the units of the states or those asked for."""
        refuse(key_problems(message["units"], (), self._unit_classes, ("units",)))
        start, end = _time(message, "start_time"), _time(message, "end_time")
        period, types = message["period"], message["types"]
        table = self.short_term if period == "5minute" else self.rows
        if period == "day":
            start, end = self._midnight(start), self._midnight(end, days=1)
        found: dict[str, list[Row]] = {}
        for name in message["statistic_ids"]:
            factor = self._conversion(name, message["units"]) if name in table else 1.0
            stored = sorted(table.get(name, {}).items())
            spans = {self._span(at, period): row for at, row in stored if start <= at < end}
            before = [row["sum"] for at, row in stored if at < start and row["sum"] is not None]
            total = before[-1] if before else 0.0
            rows: list[Row] = []
            for (first, last), row in spans.items():
                columns = dict(row)
                if row["sum"] is not None:
                    columns["change"], total = row["sum"] - total, row["sum"]
                rows.append(
                    {
                        "start": _milliseconds(first),
                        "end": _milliseconds(last),
                        **{column: _times(columns.get(column), factor) for column in types},
                    }
                )
            if rows:
                found[name] = rows
        return found

    def _midnight(self, moment: datetime, *, days: int = 0) -> datetime:
        """Return the local midnight before a moment, or some days after that one."""
        local = moment.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return (local + timedelta(days=days)).astimezone(UTC)

    def _span(self, at: datetime, period: str) -> tuple[datetime, datetime]:
        """Return the time that a row of an answer is of; the last row of a day stands for it."""
        if period == "day":
            return self._midnight(at), self._midnight(at, days=1)
        return at, at + timedelta(minutes=5 if period == "5minute" else 60)

    def list_ids(self, message: Message) -> list[Message]:
        """`recorder/get_statistics_metadata`."""
        known = {**self._promised(), **self.metadata}
        return [
            self._listed(metadata)
            for name, metadata in known.items()
            if name in message["statistic_ids"]
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
        required = REQUIRED_METADATA.at(self._version)
        known = required | OPTIONAL_METADATA.at(self._version)
        yield from key_problems(message["metadata"], required, known, ("metadata",))
        for index, row in enumerate(message["stats"]):
            yield from _row_problems(row, ("stats", index))

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


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _measured(numbers: list[float]) -> Row:
    return {"mean": sum(numbers) / len(numbers), "min": min(numbers), "max": max(numbers)}


def _times(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _row_problems(row: Message, path: Path) -> Iterator[Problem]:
    yield from key_problems(row, ("start",), ("start", *_NUMBERS), path)
    for name in _NUMBERS:
        if name in row and not isinstance(row[name], (int, float)):
            yield Problem(NO_NUMBER, (*path, name), row[name])


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
    return datetime.fromisoformat(message[name]).astimezone(UTC)


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
