"""The shape of an answer: the names and types of its fields, and no value."""

import re
from typing import Any

_DEEPEST = 8
_MOST_FIELDS = 200
# All other parts of a path, such as serial numbers, are not part of a route's name.
_WORD = re.compile(r"[A-Za-z]+|v[0-9.]+")

_TYPES = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string"}

Shape = str | list[Any] | dict[str, Any]


def shape(value: object, depth: int = _DEEPEST) -> Shape:
    """Return the types of JSON; the first element of a list stands for all of them."""
    match value:
        case list() if depth:
            return [shape(one, depth - 1) for one in value[:1]]
        case dict() if depth:
            fields = list(value.items())[:_MOST_FIELDS]
            return {str(name): shape(one, depth - 1) for name, one in fields}
    return _TYPES.get(type(value), "...")


def route(path: str) -> str:
    """Return the path of a request without what identifies an inverter or a site."""
    return "/".join(part if not part or _WORD.fullmatch(part) else "*" for part in path.split("/"))
