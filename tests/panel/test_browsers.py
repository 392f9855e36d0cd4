"""That the page's modules hold nothing that a browser which people have cannot read."""

import re
from pathlib import Path

import pytest

import redback.panel

STATIC = Path(redback.panel.__file__).parent / "static"
# What Safari 15.0 or Chrome 105 does not know, with the first versions that do, and an example.
NEWER = {
    "look-behind (Safari 16.4)": (r"\(\?<[=!]", "/(?<=a)b/"),
    "signDisplay negative (Safari 15.4, Chrome 106)": (
        r"signDisplay:\s*[\"']negative",
        '{ signDisplay: "negative" }',
    ),
    "Array.at (Safari 15.4)": (r"\.at\(", "hours.at(index)"),
    "color-mix outside of CSS (Safari 16.2, Chrome 111)": (
        r"(?<!computed\()`color-mix",
        "style.color = `color-mix(in srgb, red)`",
    ),
    "structuredClone (Safari 15.4)": (r"\bstructuredClone\b", "structuredClone(status)"),
    "Object.hasOwn (Safari 15.4)": (r"\bhasOwn\(", "Object.hasOwn(a, b)"),
    "findLast (Safari 15.4)": (r"\.findLast(?:Index)?\(", "hours.findLast((hour) => hour)"),
    "sorted copies (Safari 16, Chrome 110)": (
        r"\.to(?:Sorted|Reversed|Spliced)\(",
        "hours.toSorted()",
    ),
    "groupBy (Safari 17.4, Chrome 117)": (r"\.groupBy\(", "Map.groupBy(hours, day)"),
    "AbortSignal.timeout (Safari 16)": (
        r"AbortSignal\.(?:timeout|any)",
        "AbortSignal.timeout(1_000)",
    ),
    "static blocks (Safari 16.4)": (r"\bstatic\s*\{", "class A { static { } }"),
    "flag v (Safari 17, Chrome 112)": (r"/[dgimsuy]*v[dgimsuy]*[.,;)]", "text.match(/a/v)"),
    "Promise.withResolvers (Safari 17.4, Chrome 119)": (
        r"\bwithResolvers\b",
        "Promise.withResolvers()",
    ),
    "popover (Safari 17, Chrome 114)": (r"\bpopover\b|showPopover", "menu.showPopover()"),
}


@pytest.mark.parametrize("module", sorted(STATIC.glob("**/*.js")), ids=lambda path: path.name)
def test_old_browsers_can_read_it(module: Path) -> None:
    text = module.read_text()
    assert [name for name, (pattern, _) in NEWER.items() if re.search(pattern, text)] == []


@pytest.mark.parametrize("name", NEWER)
def test_what_they_cannot_read_is_found(name: str) -> None:
    pattern, example = NEWER[name]
    assert re.search(pattern, example)
