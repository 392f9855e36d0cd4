"""JSON to models, field by field: a malformed one becomes None, and costs no other field."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from .durations import parse_duration
from .models import Configuration, Dynamic, Number, Phase, Static

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_S = TypeVar("_S", bound=msgspec.Struct)
_PHASES = ("A", "B", "C")


class MalformedError(Exception):
    """A value is not of the expected type."""


def parse(body: bytes, kind: type[_T]) -> _T:
    """Parse JSON; raise a MalformedError if it is none, or not of this type."""
    try:
        return msgspec.json.decode(body, type=kind)
    # JSON can be nested more deeply than Python can follow.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError from None


def unwrap(body: bytes) -> tuple[Any, int | None]:
    """Return an answer and its total count, out of its envelope (dossier 2.1); raise as `parse`."""
    envelope = parse(body, dict[str, Any])
    total = envelope.get("TotalCount")
    return envelope.get("Data"), total if type(total) is int else None


class Decoder:
    """Makes models of JSON, in any thread, and counts what was malformed by `Model.Field`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.malformed: Counter[str] = Counter()

    def dynamic(self, data: object) -> Dynamic | None:
        """Return a reading; None without a timestamp."""
        return self._model_or_none(Dynamic, data)

    def configuration(self, data: object) -> Configuration | None:
        """Return a configuration; None if it is no object."""
        return self._model_or_none(Configuration, data)

    def static(self, data: object, serial: str) -> Static | None:
        """Return the static data of one inverter, from the tree that holds it (dossier 4.2).

        None if no site and no inverter is described, or only other inverters are.
        """
        site: Mapping[str, object] = {}
        inverters = {}
        for node in _static_nodes(data):
            kind = _text(node.get("Type")).casefold()
            if kind == "site":
                site = site or node
            elif kind == "inverter":
                inverters[_text(node.get("Id"))] = node
        if not (site or inverters) or (inverters and serial not in inverters):
            return None
        details = site.get("SiteDetails")
        parts = {"Site": site, "Inverter": inverters.get(serial, {})}
        return self._model_or_none(
            Static, {**(details if isinstance(details, dict) else {}), **parts}
        )

    def listed(self, kind: type[_S], data: object) -> tuple[_S, ...]:
        """Return the elements of a list, without those that make no sense; no list is empty."""
        found = (self._model_or_none(kind, one) for one in (data if isinstance(data, list) else ()))
        return tuple(one for one in found if one is not None)

    def _model_or_none(self, kind: type[_S], data: object) -> _S | None:
        try:
            return self._model(kind, data)
        except MalformedError:
            return None

    def _model(self, kind: type[_S], data: object) -> _S:
        """Return a model, or raise a MalformedError: it is no object, or lacks a required field."""
        if not isinstance(data, dict):
            raise MalformedError
        try:  # all numbers at once, for a reading has many
            numbers = msgspec.convert(data, _numbers(kind), strict=False)
            values, fields = msgspec.structs.asdict(numbers), _others(kind)
        except msgspec.ValidationError:
            values, fields = {}, msgspec.structs.fields(kind)
        for field in fields:
            try:
                if (value := _look_up(data, field.encode_name)) is not None:
                    values[field.name] = self._value(_without_none(field.type), value)
            # A date near the year 1 or 9999 may have no equal in UTC.
            except (msgspec.ValidationError, MalformedError, OverflowError):
                self._count(f"{kind.__name__}.{field.encode_name}")
        if any(field.required and field.name not in values for field in fields):
            raise MalformedError
        return kind(**values)

    def _value(self, kind: Any, value: object) -> object:  # noqa: ANN401 - any type of a field
        if get_origin(kind) is tuple:
            return self._tuple(_without_none(get_args(kind)[0]), value)
        if get_origin(kind) is Mapping:
            return self._phases(value)
        if _is_model(kind):
            return self._model(kind, value)
        if kind in _PARSERS:
            return _PARSERS[kind](value)
        if kind is str:
            return msgspec.convert(value, str).strip() or None
        return msgspec.convert(value, kind, strict=False)

    def _tuple(self, kind: Any, value: object) -> tuple[object, ...]:  # noqa: ANN401 - see above
        """Return a list in which everything keeps its position, often its only identity."""
        if not isinstance(value, list):
            raise MalformedError
        empty = kind() if _is_model(kind) else None
        made = []
        for element in value:
            try:
                made.append(empty if element is None else self._value(kind, element))
            except (msgspec.ValidationError, MalformedError):
                self._count(f"{kind.__name__} in a list")
                made.append(empty)
        return tuple(made)

    def _phases(self, value: object) -> dict[str, Phase]:
        """Return the phases by name, without those of no known name."""
        if not isinstance(value, list):
            raise MalformedError
        return {
            item["Id"]: self._model(Phase, item)
            for item in value
            if isinstance(item, dict) and item.get("Id") in _PHASES
        }

    def _count(self, field: str) -> None:
        with self._lock:
            self.malformed[field] += 1
            is_new = self.malformed[field] == 1
        if is_new:
            _LOG.warning("The cloud sent an unexpected value for %s; it is ignored", field)


@cache
def _numbers(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return a model of the numbers alone."""
    numbers = [
        (field.name, field.type, msgspec.field(default=None, name=field.encode_name))
        for field in msgspec.structs.fields(kind)
        if _is_number(field)
    ]
    return msgspec.defstruct(f"{kind.__name__}Numbers", numbers)


@cache
def _others(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Return the fields that are no numbers."""
    return tuple(field for field in msgspec.structs.fields(kind) if not _is_number(field))


def _is_number(field: msgspec.structs.FieldInfo) -> bool:
    return field.type == Number | None and "." not in field.encode_name


@cache
def _without_none(kind: Any) -> Any:  # noqa: ANN401 - any type of a field
    others = [part for part in get_args(kind) if part is not NoneType]
    return others[0] if NoneType in get_args(kind) else kind


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _look_up(data: Mapping[str, object], path: str) -> object:
    """Return the value at a path like `PowerMode.PowerW`; None if there is none."""
    value: object = data
    for name in path.split("."):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise MalformedError
        value = value.get(name)
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _utc(value: object) -> datetime:
    """Parse a time; one without an offset is in UTC, as the names of the fields say."""
    moment = msgspec.convert(value, datetime)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _span(value: object) -> timedelta:
    span = parse_duration(_text(value))
    if span is None:
        raise MalformedError
    return span


_PARSERS: Mapping[type, Callable[[object], object]] = {datetime: _utc, timedelta: _span}


def _static_nodes(data: object) -> Iterator[Mapping[str, object]]:
    """Walk the tree, without recursion: it may be deeper than Python can follow."""
    waiting = [data]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        if isinstance(described := node.get("StaticData"), dict):
            yield described
        if isinstance(below := node.get("Nodes"), list):
            waiting.extend(reversed(below))
