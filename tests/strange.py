"""Answers that no cloud should give: text of JSON that is odd, spoilt or none at all."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Raw:
    """A value as it stands in the text, whether JSON allows it or not."""

    text: str


def _nested(depth: int) -> st.SearchStrategy[Raw]:
    pairs = [("[", "]"), ('{"Nodes":[', "]}"), ('{"Type":', "}")]
    return st.sampled_from(pairs).map(lambda pair: Raw(f"{pair[0] * depth}1{pair[1] * depth}"))


_ODD = st.sampled_from(
    [
        *map(Raw, ("NaN", "Infinity", "-Infinity", "1e999", "-0", "-1e-999", "", "'", "01")),
        *map(Raw, ('"\\ud800"', '"\\udc00\\ud800"', '"\x00"', '"\\u0000"', '{"a":1,"a":2}')),
        *(10**400, -(10**400), 2**63, 2**64, 1e308, -1e308, 5e-324, 10**18),
        *("NaN", "inf", "-1e999", "0x10", "1_000", "  ", "\u202e", "..", "/", "%2F", "\r\nX: y"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z"),
        *("2026-03-02T01:02:03.9999999999Z", "2026-03-02T24:00:00Z", "2026-W10-1", "A", "Inverter"),
    ]
)
# Up to what Python can follow, about there, and far beyond.
_DEEP = st.one_of(st.integers(100, 1100).flatmap(_nested), _nested(20_000))
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def _holders(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.text(max_size=5), inner, max_size=4)
    return st.lists(inner, max_size=4) | named


VALID = st.recursive(st.none() | st.booleans() | _NUMBERS | _TEXTS, _holders, max_leaves=8)
VALUES = st.one_of(VALID, _ODD, _DEEP)


def written(value: object) -> str:
    """Write a value as JSON, and what is raw in it as it is."""
    match value:
        case Raw():
            return value.text
        case dict():
            inside = (f"{json.dumps(key)}:{written(one)}" for key, one in value.items())
            return "{" + ",".join(inside) + "}"
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case _:
            return json.dumps(value)


Place = tuple[Any, Any]


def _places(value: list[Any]) -> list[Place]:
    """Find everything that can be replaced, as what holds it and its name or number there."""
    found: list[Place] = []
    waiting: list[Any] = [value]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def _replace(place: Place, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    holder, key = place
    holder[key] = draw(VALUES)


def _delete(place: Place, _: object) -> None:
    holder, key = place
    del holder[key]


def _duplicate(place: Place, _: object) -> None:
    holder, key = place
    if isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[f"{key} again"] = holder[key]


def _reverse(place: Place, _: object) -> None:
    holder, _key = place
    if isinstance(holder, list):
        holder.reverse()


@st.composite
def spoilt(draw: Any, good: object) -> Any:  # noqa: ANN401 - any JSON value, and hypothesis's own
    """Return a good value that was changed at a few random places."""
    whole = [json.loads(json.dumps(good))]
    for _ in range(draw(st.integers(1, 4))):
        places = _places(whole)
        if not places:
            break
        change = draw(st.sampled_from([_replace, _replace, _delete, _duplicate, _reverse]))
        change(draw(st.sampled_from(places)), draw)
    return whole[0] if whole else None
