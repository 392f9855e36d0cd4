"""Strange JSON: anything at all, and good payloads with anything in the place of some of it."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("nan"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def spoilt(full: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any JSON
    """Take a good payload, and put anything in the place of some of it, at any depth."""

    @dataclass
    class _Spoiler:
        draw: Any

        def spoil(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
            if self.draw(st.integers(0, 9)) == 0:
                return self.draw(JSON)
            if isinstance(value, dict):
                return {name: self.spoil(inner) for name, inner in value.items()}
            if isinstance(value, list):
                times = self.draw(st.sampled_from([1, 1, 1, 1, 2, 0]))
                return [self.spoil(inner) for inner in value] * times
            return value

    return st.composite(lambda draw: _Spoiler(draw).spoil(full))()
