"""The options of an add-on, checked by its schema as the Supervisor checks them."""

import re
from typing import Any

from standin.serving import Message

ELEMENT = re.compile(
    r"(?:bool|email|url|port"
    r"|(?:str|password)(?:\(\d*,\d*\))?"
    r"|int(?:\(-?\d*,-?\d*\))?"
    r"|float(?:\(-?[\d.]*,-?[\d.]*\))?"
    r"|match\(.*\)|list\(.+\)|device(?:\(subsystem=[a-z]+\))?)\??"
)
"""An option of one value: its type, its bounds or choices, and whether it may be left out."""

_ADDON = "Redback (local_redback)"
_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on", "enable"), True),
    **dict.fromkeys(("0", "false", "no", "off", "disable"), False),
}


class UnfitOptionsError(Exception):
    """Options that the Supervisor refuses; the text is its own."""


def validate(schema: Message, given: Message, of: str = "root") -> Message:
    """Return options as the Supervisor keeps them: converted, and without those it does not know.

    Raise UnfitOptionsError if one does not fit or is missing.
    """
    kept = {
        key: _validate_one(schema[key], value, key) for key, value in given.items() if key in schema
    }
    for key, kind in schema.items():
        if key not in kept and not _is_optional(kind):
            raise UnfitOptionsError(f"Missing option '{key}' in {of} in {_ADDON}")
    return kept


def merge(defaults: Message, changed: Message) -> Message:
    """Return the defaults with what people have changed; a group is merged, a list replaced."""
    merged = defaults | changed
    for key in defaults.keys() & changed.keys():
        if isinstance(defaults[key], dict) and isinstance(changed[key], dict):
            merged[key] = merge(defaults[key], changed[key])
    return merged


def _validate_one(kind: object, value: Any, key: str) -> object:  # noqa: ANN401 - as people sent it
    match kind:
        case [inner]:
            if not isinstance(value, list):
                raise UnfitOptionsError(f"Invalid list for option '{key}' in {_ADDON}")
            return [_validate_one(inner, each, key) for each in value]
        case dict():
            if not isinstance(value, dict):
                raise UnfitOptionsError(f"Invalid dict for option '{key}' in {_ADDON}")
            return validate(kind, value, key)
    if value is None:
        raise UnfitOptionsError(f"Missing required option '{key}' in {_ADDON}")
    return _validate_single(str(kind), value)


def _validate_single(kind: str, value: Any) -> object:  # noqa: ANN401 - as people sent it
    name, _, detail = kind.removesuffix("?").removesuffix(")").partition("(")
    match name:
        case "str" | "password":
            if isinstance(value, str):
                return value
            raise UnfitOptionsError("expected str")
        case "int":
            return _integer(value, *detail.split(","))
        case "port":
            return _integer(value, "1", "65535")
        case "bool" if not isinstance(value, str):
            return bool(value)
        case "bool":
            if (word := value.lower()) in _WORDS:
                return _WORDS[word]
            raise UnfitOptionsError("expected boolean")
        case "list":
            if str(value) in (choices := detail.split("|")):
                return str(value)
            raise UnfitOptionsError(f"value must be one of {sorted(choices)}")
    raise NotImplementedError(kind)


def _integer(value: Any, low: str = "", high: str = "") -> int:  # noqa: ANN401 - as people sent it
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise UnfitOptionsError("expected int") from None
    if low and number < int(low):
        raise UnfitOptionsError(f"value must be at least {float(low)}")
    if high and number > int(high):
        raise UnfitOptionsError(f"value must be at most {float(high)}")
    return number


def _is_optional(kind: object) -> bool:
    """Whether an option may be left out: only single values and lists of such may."""
    match kind:
        case [str(inner)] | str(inner):
            return inner.endswith("?")
    return False
