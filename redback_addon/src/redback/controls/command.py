"""A command, from whichever door: one shape, always with an end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

LONGEST_MINUTES = 1440
_MOST_POWER = 1_000_000
_MOST_DAYS_AHEAD = 7
# A start that has just passed is now: a command takes some time to arrive.
_TOLERANCE = timedelta(minutes=1)
# Of an id, and of whatever else is repeated in an answer.
LONGEST_TEXT = 255

# The inverter's mode of each action that is a schedule.
MODES = {
    "charge": "ChargeBattery",
    "discharge": "DischargeBattery",
    "import": "ImportPower",
    "export": "ExportPower",
    "conserve": "Conserve",
}
# The actions that are an operating envelope.
LIMITING = frozenset({"limit", "limit_export"})
# The schedules that have a power.
WITH_POWER = MODES.keys() - {"conserve"}
# The quantities that can be limited, and the field of the cloud's envelope for it.
LIMITS = {
    "max_import": "max_import_w",
    "max_export": "max_export_w",
    "max_charge": "max_charge_w",
    "max_discharge": "max_discharge_w",
    "max_generation": "max_generation_va",
}
# Of one thing, by a person in the panel alone: no command that can be sent.
DELETE = "delete"
_ALWAYS = frozenset({"action", "inverter", "id"})
_TIMED = _ALWAYS | {"minutes", "until", "start"}
_FIELDS = {
    **{action: _TIMED | ({"power"} if action in WITH_POWER else set()) for action in MODES},
    "auto": _ALWAYS,
    "limit": _TIMED | {*LIMITS},
    "limit_export": _TIMED | {"power"},
    "lift_limit": _ALWAYS,
}
_ALL_FIELDS = frozenset().union(*_FIELDS.values())


class RefusedError(Exception):
    """A command is not carried out, and nothing was written; the text is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is to be done.

    Attributes:
        power: W; None where the action has none.
        start: UTC; it is `end` that limits what is started.
        end: UTC; None where the action ends something.
        limits: in W, or VA of generation, by the names of the fields.
        inverter: a name or serial number; empty = the only one.
        id: whatever the sender gave, for the answer.
        by: the door.
    """

    action: str
    by: str
    power: int | None = None
    start: datetime
    end: datetime | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    inverter: str = ""
    id: str | None = None

    @property
    def mode(self) -> str | None:
        """The inverter's mode; None if this is no schedule."""
        return MODES.get(self.action)

    @property
    def is_limit(self) -> bool:
        """Whether it is about limits of the site, and not about schedules of the inverter."""
        return self.action in LIMITING or self.action == "lift_limit"


def parse(data: object, by: str, now: datetime) -> Command:
    """Return a command; raise a RefusedError with what is wrong first."""
    if not isinstance(data, Mapping):
        raise RefusedError("A command is a list of fields, such as action and minutes.")
    action = data.get("action")
    if not isinstance(action, str) or action not in _FIELDS:
        raise RefusedError(f"The action must be one of {', '.join(_FIELDS)}.")
    for name in data:
        if name not in _ALL_FIELDS:
            raise RefusedError(f"{str(name)[:LONGEST_TEXT]} is not a field of a command.")
        if name not in _FIELDS[action]:
            raise RefusedError(f"The action {action} has no {name}.")
    start, end = now, None
    if "minutes" in _FIELDS[action]:
        start, end = _times(data, now)
    limits = {name: _power(data, name, 0) for name in LIMITS if name in data}
    least = 0 if action == "limit_export" else 1
    power = _power(data, "power", least) if "power" in _FIELDS[action] else None
    if action == "limit" and not limits:
        raise RefusedError(f"The action limit needs one of {', '.join(LIMITS)}.")
    if action == "limit_export" and power is not None:
        limits = {"max_export": power}
    return Command(
        action=action,
        by=by,
        power=power,
        start=start,
        end=end,
        limits=limits,
        inverter=_text(data, "inverter") or "",
        id=_text(data, "id"),
    )


def _text(data: Mapping[str, object], name: str) -> str | None:
    value = data.get(name)
    if value is not None and not (
        isinstance(value, str)
        and len(value) <= LONGEST_TEXT
        and value == value.encode(errors="replace").decode()
    ):
        raise RefusedError(f"{name} must be text of at most {LONGEST_TEXT} characters.")
    return value


def _power(data: Mapping[str, object], name: str, least: int) -> int:
    value = _whole(data, name, least)
    if value > _MOST_POWER:
        raise RefusedError(f"{name} must be at most {_MOST_POWER:,} W.")
    return value


def _whole(data: Mapping[str, object], name: str, least: int) -> int:
    """Return a whole number; one with nothing but zeros after its point is one."""
    value = data.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RefusedError(f"{name} must be a whole number from {least}.")
    return value


def _times(data: Mapping[str, object], now: datetime) -> tuple[datetime, datetime]:
    start = _moment(data, "start") if data.get("start") is not None else now
    if start < now - _TOLERANCE:
        raise RefusedError("The start is in the past.")
    start = max(start, now)
    if start > now + timedelta(days=_MOST_DAYS_AHEAD):
        raise RefusedError(f"The start is more than {_MOST_DAYS_AHEAD} days ahead.")
    if ("minutes" in data) == ("until" in data):
        raise RefusedError("A command needs an end: either minutes or until.")
    if "minutes" in data:
        minutes = _whole(data, "minutes", 1)
        if minutes > LONGEST_MINUTES:
            raise RefusedError(f"{minutes} minutes are more than {LONGEST_MINUTES}.")
        return start, start + timedelta(minutes=minutes)
    end = _moment(data, "until")
    if end <= now:
        raise RefusedError("The end is in the past.")
    if end <= start:
        raise RefusedError("The end is not after the start.")
    if end - start > timedelta(minutes=LONGEST_MINUTES):
        raise RefusedError(f"From the start to the end are more than {LONGEST_MINUTES} minutes.")
    return start, end


def _moment(data: Mapping[str, object], name: str) -> datetime:
    """Return a time; one without an offset is local."""
    value = data.get(name)
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        return moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise RefusedError(
            f"{name} must be a time such as 2026-03-02T18:00:00, with or without an offset."
        ) from None
