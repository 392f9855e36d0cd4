"""That the page's modules hold nothing that a browser which people have cannot read."""

import re
from pathlib import Path

import pytest

import redback.panel

STATIC = Path(redback.panel.__file__).parent / "static"
# What Safari 15.0 or Chrome 105 does not know, with the first versions that do.
NEWER = {
    "look-behind (Safari 16.4)": r"\(\?<[=!]",
    "signDisplay negative (Safari 15.4, Chrome 106)": r"signDisplay:\s*[\"']negative",
    "Array.at (Safari 15.4)": r"\.at\(-?\d",
    "color-mix outside of CSS (Safari 16.2, Chrome 111)": r"(?<!computed\()`color-mix",
    "structuredClone (Safari 15.4)": r"\bstructuredClone\b",
    "Object.hasOwn (Safari 15.4)": r"\bhasOwn\(",
    "findLast (Safari 15.4)": r"\.findLast(?:Index)?\(",
    "sorted copies (Safari 16, Chrome 110)": r"\.to(?:Sorted|Reversed|Spliced)\(",
    "groupBy (Safari 17.4, Chrome 117)": r"\.groupBy\(",
    "AbortSignal.timeout (Safari 16)": r"AbortSignal\.(?:timeout|any)",
    "static blocks (Safari 16.4)": r"\bstatic\s*\{",
    "flag v (Safari 17, Chrome 112)": r"/[dgimsuy]*v[dgimsuy]*[.,;)]",
    "Promise.withResolvers (Safari 17.4, Chrome 119)": r"\bwithResolvers\b",
    "popover (Safari 17, Chrome 114)": r"\bpopover\b|showPopover",
}


@pytest.mark.parametrize("module", sorted(STATIC.glob("**/*.js")), ids=lambda path: path.name)
def test_old_browsers_can_read_it(module: Path) -> None:
    text = module.read_text()
    assert [name for name, pattern in NEWER.items() if re.search(pattern, text)] == []
