"""Static data and configurations."""

import pytest

from cloud.bench import A, B, C, Cloud, answer, kinds, tree
from redback.cloud import (
    AccessError,
    Configuration,
    NotFoundError,
    ThrottledError,
    TransientError,
)

MANY, ONE = "configuration multiple", "configuration single"


def _static(serial: str) -> dict[str, object]:
    inverter = {"StaticData": {"Type": "Inverter", "Id": serial, "ModelName": "ST10000"}}
    return {"StaticData": {"Type": "Site", "Id": "S1"}, "Nodes": [inverter]}


def test_static_data_are_asked_for_by_serial_number(cloud: Cloud) -> None:
    cloud.answers["static"] = lambda serials: answer({"Data": _static(serials[0])})
    static = cloud.client.static(A)
    assert (static.model, static.site_id) == ("ST10000", "S1")
    assert cloud.take() == [("static", (A,))]


@pytest.mark.parametrize("data", [None, [], {}, _static(B)])
def test_static_data_of_nothing_or_of_another_inverter_are_not_taken(
    cloud: Cloud, data: object
) -> None:
    cloud.answers["static"] = lambda _: answer({"Data": data})
    with pytest.raises(TransientError, match="does not describe this inverter"):
        cloud.client.static(A)


def test_what_names_another_site_and_no_inverter_is_not_taken(cloud: Cloud) -> None:
    cloud.answers["nodes"] = lambda _: tree(S1=[A], S2=[B])
    cloud.answers["static"] = lambda _: answer(
        {"Data": {"StaticData": {"Type": "Site", "Id": "S1"}}}
    )
    cloud.faults[MANY, None] = 404
    cloud.answers[ONE] = lambda _: answer({"Data": {"SiteId": "S1"}})
    cloud.client.inverters()
    assert cloud.client.static(A).site_id == "S1"
    with pytest.raises(TransientError, match="about another inverter"):
        cloud.client.static(B)
    assert kinds(cloud.client.configurations([A, B])) == {A: Configuration, B: TransientError}


def test_static_data_that_are_refused_are_reported_as_that(cloud: Cloud) -> None:
    cloud.faults["static", A] = 403
    with pytest.raises(AccessError):
        cloud.client.static(A)


def test_configurations_come_together(cloud: Cloud) -> None:
    outcomes = cloud.client.configurations([A, B, A])
    assert list(outcomes) == [A, B]
    for serial, outcome in outcomes.items():
        assert isinstance(outcome, Configuration)
        assert outcome.serial == serial
        assert outcome.min_soc_0_to_1 == 0.2
    assert cloud.take() == [(MANY, (A, B))]


def test_a_hundred_configurations_are_asked_for_at_once(cloud: Cloud) -> None:
    assert len(cloud.client.configurations([f"RB{n}" for n in range(130)])) == 130
    assert [len(serials) for _, serials in cloud.take()] == [100, 30]


def test_an_element_that_failed_costs_the_others_nothing(cloud: Cloud) -> None:
    elements = [{"Data": None, "ErrorMsg": "no"}, {"Data": {"SerialNumber": B}, "ErrorMsg": None}]
    cloud.answers[MANY] = lambda _: answer({"TotalCount": 2, "Data": [*elements, None, 5]})
    cloud.faults[ONE, A] = 404
    assert kinds(cloud.client.configurations([A, B])) == {A: NotFoundError, B: Configuration}
    assert cloud.take() == [(MANY, (A, B)), (ONE, (A,))]


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_where_many_are_refused_they_come_singly_for_a_day(cloud: Cloud, status: int) -> None:
    cloud.faults[MANY, None] = status
    cloud.client.configurations([A, B])
    assert cloud.take() == [(MANY, (A, B)), (ONE, (A,)), (ONE, (B,))]
    cloud.time.pass_(hours=23)
    cloud.client.configurations([A, B])
    assert cloud.take() == [(ONE, (A,)), (ONE, (B,))]
    cloud.time.pass_(hours=2)
    cloud.faults.clear()
    cloud.client.configurations([A, B])
    assert cloud.take() == [(MANY, (A, B))]


def test_one_that_is_refused_does_not_make_all_come_singly(cloud: Cloud) -> None:
    cloud.faults |= {(MANY, B): 403, (ONE, B): 403}
    assert kinds(cloud.client.configurations([A, B])) == {A: Configuration, B: AccessError}
    cloud.take()
    cloud.client.configurations([A, C])
    assert cloud.take() == [(MANY, (A, C))]


def test_trouble_is_reported_and_not_asked_singly(cloud: Cloud) -> None:
    cloud.faults[MANY, None] = 500
    with pytest.raises(TransientError):
        cloud.client.configurations([A, B])
    assert cloud.take() == [(MANY, (A, B))] * 3


@pytest.mark.parametrize("body", ["<html>", '{"Data": {}}', '{"Data": [NaN]}'])
def test_an_answer_that_makes_no_sense_may_be_due_to_one_of_them(cloud: Cloud, body: str) -> None:
    cloud.answers[MANY] = lambda _: (200, {}, body)
    cloud.faults[ONE, A] = 500
    assert kinds(cloud.client.configurations([A, B, C])) == {
        A: TransientError,
        B: Configuration,
        C: Configuration,
    }


def test_where_two_make_no_sense_either_it_is_the_cloud(cloud: Cloud) -> None:
    cloud.answers = {MANY: lambda _: (200, {}, "<html>"), ONE: lambda _: (200, {}, "<html>")}
    with pytest.raises(TransientError, match="Multiple"):
        cloud.client.configurations([A, B, C])
    assert cloud.take() == [(MANY, (A, B, C)), (ONE, (A,)), (ONE, (B,))]


def test_a_throttled_account_is_left_alone(cloud: Cloud) -> None:
    cloud.faults[MANY, None] = 404
    cloud.faults[ONE, None] = 429
    with pytest.raises(ThrottledError):
        cloud.client.configurations([A, B])
    assert cloud.take() == [(MANY, (A, B)), (ONE, (A,))]
    cloud.faults = {(MANY, None): 404, (ONE, B): 429}
    assert kinds(cloud.client.configurations([A, B, C])) == {
        A: Configuration,
        B: ThrottledError,
        C: ThrottledError,
    }


def test_a_configuration_of_another_inverter_is_not_taken(cloud: Cloud) -> None:
    cloud.faults[MANY, None] = 404
    cloud.answers[ONE] = lambda _: answer({"Data": {"SerialNumber": B}})
    assert isinstance(cloud.client.configurations([A])[A], TransientError)


def test_nothing_is_asked_for_where_nothing_is_wanted(cloud: Cloud) -> None:
    assert cloud.client.configurations([]) == {}
    assert cloud.take() == []
