"""What faults do to an answer's content: nulls, unknown words, wrong times."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from .faults import Fault, Kind, Struck
from .payloads import JSON
from .times import iso

_ENUMS = frozenset({"Status", "InverterMode", "VoltageType", "FanState"})
_UNHEARD_OF = "Unheard-of"
_TIME = "TimestampUtc"

# What the contract requires, what identifies, and what only holds other members.
_NEVER_NULL_BY_ITSELF = frozenset(
    {"TimestampUtc", "Status", "Id", "Type", "SiteId", "SerialNumber", "BatteryCount"}
)


def reading(record: JSON, struck: Struck, serial: str) -> JSON:
    """Return a dynamic record as it arrives."""
    if fault := struck.first(Kind.TIMESTAMPS, serial):
        record = _with_time(record, fault)
    return data(record, struck, serial)


def data(answer: JSON, struck: Struck, serial: str) -> JSON:
    """Return static data, a configuration or a record as it arrives."""
    if struck.first(Kind.UNKNOWN_ENUMS, serial):
        answer = _changed(answer, _ENUMS.__contains__, lambda _: _UNHEARD_OF)
    if fault := struck.first(Kind.NULLS, serial):
        answer = _with_nulls(answer, fault)
    return answer


def _with_time(record: JSON, fault: Fault) -> JSON:
    if fault.how == "absent":
        return {name: value for name, value in record.items() if name != _TIME}
    if fault.how == "garbled":
        return {**record, _TIME: "0000-13-32T25:61:61Z"}
    seconds = fault.seconds or 0
    when = datetime.fromisoformat(record[_TIME]).timestamp()
    return {**record, _TIME: iso(when + (seconds if fault.how == "future" else -seconds))}


def _with_nulls(answer: JSON, fault: Fault) -> JSON:
    """Empty the fields named by the fault, or every plain value that may be null."""

    def emptied(value: object) -> object:
        return type(value)() if fault.how == "empty" and isinstance(value, list | dict) else None

    def wanted(name: str) -> bool:
        return name in fault.fields if fault.fields else name not in _NEVER_NULL_BY_ITSELF

    change = None if fault.how == "absent" else emptied
    result: JSON = _changed(answer, wanted, change, containers=bool(fault.fields))
    return result


def _changed(
    value: Any,  # noqa: ANN401 -- any JSON
    wanted: Callable[[str], bool],
    change: Callable[[object], object] | None,
    *,
    containers: bool = True,
) -> Any:  # noqa: ANN401 -- the same
    """Return JSON with the members of the wanted names changed, or left out (change None)."""
    if isinstance(value, list):
        return [_changed(one, wanted, change, containers=containers) for one in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, member in value.items():
        if wanted(name) and (containers or not isinstance(member, list | dict)):
            if change is not None:
                result[name] = change(member)
        else:
            result[name] = _changed(member, wanted, change, containers=containers)
    return result
