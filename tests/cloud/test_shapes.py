"""That the shape of an answer has its fields, and no value of any of them."""

from hypothesis import given
from hypothesis import strategies as st

from examples import payload
from redback.cloud.shapes import route, shape

_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.just("value"),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abcdef"), inner),
)


def test_fields_are_named_with_their_types() -> None:
    found = shape({"Id": 3, "Name": "Zoe", "Ok": True, "None": None, "Phases": [{"V": 240.5}, 3]})
    assert found == {
        "Id": "number",
        "Name": "string",
        "Ok": "boolean",
        "None": "null",
        "Phases": [{"V": "number"}],
    }


@given(_JSON)
def test_no_value_is_included(value: object) -> None:
    assert "value" not in str(shape(value))


def test_a_shape_ends_however_deep_and_wide_the_answer_is() -> None:
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    assert len(str(shape(deep))) < 100
    assert len(str(shape({str(number): 1 for number in range(10_000)}))) < 6000


def test_the_shape_of_a_real_answer_keeps_every_field() -> None:
    data = payload("three_phase_battery")
    found = shape(data)
    assert isinstance(found, dict)
    assert found.keys() == data.keys()


def test_a_route_names_no_inverter() -> None:
    path = "/Api/v2.21/EnergyData/RB26030100000011/Dynamic"
    assert route(path) == "/Api/v2.21/EnergyData/*/Dynamic"
    assert route("/Api/v2/EnergyData/With/Nodes") == "/Api/v2/EnergyData/With/Nodes"
