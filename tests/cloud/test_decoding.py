"""From JSON to models: every good field survives whatever is wrong beside it."""

import json
import logging
import math
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloud.bench import reading
from examples import SERIAL, decoded, payload
from redback.cloud import Battery, Dynamic, InverterPower, Phase, PvString
from redback.cloud.decoding import Decoder, MalformedError, unwrap
from strange import VALUES, spoilt, written


def test_what_v2_does_not_have_is_none() -> None:
    made = decoded(payload("single_phase"))
    assert list(made.phases) == ["A"]
    assert made.pvs == ()
    assert made.battery == Battery()
    assert made.battery_charge_all_time_energy_kwh is None
    assert made.battery_soc_0_to_1 is None


@pytest.mark.parametrize("how", ["null", "absent"])
def test_everything_but_the_time_may_be_missing(how: str) -> None:
    full = payload("three_phase_battery")
    decoder = Decoder()
    for name in full.keys() - {"TimestampUtc"}:
        data = full | {name: None} if how == "null" else {k: full[k] for k in full if k != name}
        assert decoder.dynamic(data) is not None
    assert decoded({"TimestampUtc": full["TimestampUtc"]}) == Dynamic(
        datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)
    )
    assert not decoder.malformed


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T01:02:03Z", datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)),
        ("2026-03-02T01:02:03.0155057Z", datetime(2026, 3, 2, 1, 2, 3, 15506, tzinfo=UTC)),
        ("2026-03-02T11:02:03+10:00", datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)),
        ("2026-03-02T01:02:03", datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)),
    ],
)
def test_a_time_is_in_utc(text: str, moment: datetime) -> None:
    made = decoded(reading(None, TimestampUtc=text))
    assert made.timestamp == moment
    assert made.timestamp.tzinfo is UTC


@pytest.mark.parametrize(
    "text", [None, "", "soon", 1_772_413_323, "2026-03-02", "0001-01-01T00:00:00+10:00", {}, []]
)
def test_a_reading_without_a_time_is_none(text: object) -> None:
    assert Decoder().dynamic(reading(None, TimestampUtc=text)) is None


@pytest.mark.parametrize("data", [None, 1, "text", [], [{}], {}])
def test_what_is_no_object_with_a_time_is_no_reading(data: object) -> None:
    assert Decoder().dynamic(data) is None


@pytest.mark.parametrize(("value", "number"), [(3, 3.0), ("3.5", 3.5), ("-1e3", -1000.0)])
def test_numbers_may_come_as_text(value: object, number: float) -> None:
    assert decoded(reading(None, PvPowerInstantaneouskW=value)).pv_power_kw == number


@pytest.mark.parametrize(
    "value",
    [True, False, "", "much", "nan", "NaN", "inf", "-Infinity", "1e999", 10**400, math.inf, [], {}],
)
def test_what_is_no_number_is_none_and_costs_nothing_else(value: object) -> None:
    decoder = Decoder()
    made = decoder.dynamic(reading("RB1", PvPowerInstantaneouskW=value))
    assert made is not None
    assert made.pv_power_kw is None
    assert made.status == "OK"
    assert decoder.malformed == {"Dynamic.PvPowerInstantaneouskW": 1}


def test_words_that_are_not_known_are_handed_on() -> None:
    made = decoded(
        reading(
            None,
            Status="Hibernating",
            Inverters=[{"SerialNumber": "RB1", "PowerMode": {"InverterMode": "Dance"}}],
        )
    )
    assert made.status == "Hibernating"
    assert made.inverters == (InverterPower("RB1", "Dance", None),)


def test_phases_go_by_their_names() -> None:
    phase = {"VoltageInstantaneousV": 240}
    made = decoded(
        reading(
            None,
            Phases=[
                phase | {"Id": "C"},
                phase | {"Id": "N"},
                phase,
                None,
                5,
                {"Id": "A"},
                {"Id": []},
            ],
        )
    )
    assert made.phases == {"A": Phase(), "C": Phase(voltage_v=240)}
    assert made.phases["C"].measures
    assert not made.phases["A"].measures


def test_what_is_known_by_its_place_keeps_it() -> None:
    strings = [None, {"PowerkW": 1}, 7, {"PowerkW": [], "VoltageV": 300}]
    made = decoded(reading(None, PVs=strings))
    assert made.pvs == (
        PvString(),
        PvString(power_kw=1),
        PvString(),
        PvString(voltage_v=300),
    )


@pytest.mark.parametrize("name", ["Phases", "PVs", "Inverters", "Battery"])
@pytest.mark.parametrize("value", [0, "", "x", True, [5], {"a": 1}])
def test_a_part_of_another_shape_costs_nothing_else(name: str, value: object) -> None:
    assert decoded(reading(None, **{name: value})).pv_power_kw == 3.0


def test_a_battery_may_be_empty() -> None:
    assert decoded(reading(None, Battery={})).battery == Battery()
    assert decoded(reading(None, Battery={"Modules": None, "Cabinets": None})).battery == Battery()


def test_a_malformed_field_is_logged_once_by_its_name_but_not_by_its_value(
    caplog: pytest.LogCaptureFixture,
) -> None:
    decoder = Decoder()
    for _ in range(3):
        decoder.dynamic(reading(None, Battery={"VoltageV": "s3cr3t"}, SiteId=5))
    assert decoder.malformed == {"Battery.VoltageV": 3, "Dynamic.SiteId": 3}
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert "Battery.VoltageV" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_static_data_are_flat_and_hold_nothing_personal() -> None:
    made = Decoder().static(payload("static"), SERIAL)
    assert made is not None
    assert (made.site_id, made.model) == ("S2026030100001", "ST10000")
    assert (made.battery_count, made.battery_models[:2]) == (4, ("RB600", "Unknown"))
    assert (made.software_version, made.firmware_version) == ("2.17.0.1", "080900")
    assert made.commissioning_date == date(2023, 5, 6)
    assert made.system_type == "Hybrid"
    assert (made.panel_size_kw, made.battery_capacity_kwh) == (9.9, 14.2)
    assert (made.usable_battery_capacity_kwh, made.site_export_limit_kw) == (12.78, 5)
    text = repr(made)
    for personal in ("Example", "4999", "27.5", "153", "Nmi", "NMI"):
        assert personal not in text


def _node(kind: str, **data: object) -> dict[str, object]:
    return {"StaticData": {"Type": kind, **data}, "Nodes": None}


def test_static_data_are_of_the_inverter_that_was_asked_for() -> None:
    tree = _node("Site", Id="S1") | {
        "Nodes": [
            _node("INVERTER", Id="RB1", ModelName="one"),
            None,
            _node("Gateway") | {"Nodes": [_node("inverter", Id="RB2", ModelName="two")]},
        ]
    }
    made = Decoder().static(tree, "RB2")
    assert made is not None
    assert (made.model, made.site_id) == ("two", "S1")
    assert Decoder().static(tree, "RB3") is None


def test_static_data_of_the_site_alone_are_better_than_nothing() -> None:
    made = Decoder().static(_node("Site", Id="S1", SiteDetails="none"), "RB1")
    assert made is not None
    assert (made.site_id, made.model) == ("S1", None)


@pytest.mark.parametrize("tree", [None, [], "x", {}, {"StaticData": None}, _node("Houseload")])
def test_static_data_of_nothing_are_none(tree: object) -> None:
    assert Decoder().static(tree, "RB1") is None


def test_a_configuration_arrives_in_full() -> None:
    made = Decoder().configuration(payload("configuration"))
    assert made is not None
    assert made.serials == (SERIAL,)
    assert (made.min_soc_0_to_1, made.min_offgrid_soc_0_to_1) == (0.2, 0.1)
    assert (made.battery_max_charge_power_kw, made.inverter_max_export_power_kw) == (10, 10)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"1", b"<html>", b'{"a": "\xff"}', b"[" * 100_000, b'{"a":1e999}']
)
def test_what_is_no_json_object_cannot_be_unwrapped(body: bytes) -> None:
    with pytest.raises(MalformedError):
        unwrap(body)


@pytest.mark.parametrize("total", [None, "2", True, 2.0])
def test_a_total_that_is_no_count_is_none(total: object) -> None:
    assert unwrap(msgspec.json.encode({"TotalCount": total})) == (None, None)


def _loaded(value: object) -> object:
    """Return a value as JSON brings it; None where it brings none."""
    try:
        return json.loads(written(value))
    except (ValueError, RecursionError):
        return None


def _json(good: object) -> st.SearchStrategy[object]:
    """Draw any JSON, or this with anything in the place of some of it, at any depth."""
    return st.one_of(VALUES, spoilt(good)).map(_loaded)


@given(_json(payload("three_phase_battery")))
@example({"TimestampUtc": "9999-12-31T23:59:59-10:00"})
def test_no_json_is_too_strange_for_a_reading(data: object) -> None:
    made = Decoder().dynamic(data)
    if made is not None:
        assert made.timestamp.tzinfo is UTC
        assert made.pv_power_kw is None or math.isfinite(made.pv_power_kw)
        assert set(made.phases) <= {"A", "B", "C"}
