"""Readings of the past: whatever the cloud says where it has nothing, and on whichever route."""

from datetime import datetime, timedelta
from itertools import pairwise, product

import pytest

from cloud.bench import API, START, A, Answer, B, Cloud, answer, reading, tree
from redback.cloud import (
    AccessError,
    CloudError,
    NotFoundError,
    RequestError,
    TransientError,
)

SINCE = START.replace(hour=0, minute=0, second=0)
UNTIL = SINCE + timedelta(hours=1)
ROUTES = ["v2.21 between", "v2 between", "v2.21 before", "v2 before"]


def stamped(*moments: datetime, serial: str = A) -> Answer:
    elements = [reading(serial, TimestampUtc=f"{moment:%Y-%m-%dT%H:%M:%SZ}") for moment in moments]
    return answer({"TotalCount": len(elements), "Data": elements})


def asked(cloud: Cloud) -> list[str]:
    """Return the routes that were asked since the last time."""
    return [route for route, _ in cloud.take()]


def at(minute: int) -> datetime:
    return SINCE + timedelta(minutes=minute)


def test_they_come_in_order_and_once_and_only_those_of_the_time(cloud: Cloud) -> None:
    given = stamped(at(3), at(1), at(3), at(0), at(60), at(-1), at(59))
    cloud.answers["v2.21 between"] = lambda _: given
    found = cloud.client.history(A, SINCE, UNTIL)
    assert [one.timestamp for one in found] == [at(0), at(1), at(3), at(59)]


def test_times_are_written_as_the_api_wants_them(cloud: Cloud) -> None:
    cloud.answers["v2.21 between"] = lambda _: stamped(at(0))
    cloud.client.history(A, SINCE, UNTIL)
    assert cloud.web.calls[-1].request.url == (
        f"{API}/Api/v2.21/EnergyData/{A}/Dynamic/BySerialNumber"
        "/From/20260302T000000Z/To/20260302T010000Z"
    )


def test_what_is_malformed_or_of_another_inverter_is_left_out(cloud: Cloud) -> None:
    good = reading(A, TimestampUtc="2026-03-02T00:01:03Z")
    elements = [None, 3, {}, reading(B, TimestampUtc="2026-03-02T00:02:03Z"), good]
    cloud.answers["v2.21 between"] = lambda _: answer({"TotalCount": 5, "Data": elements})
    (found,) = cloud.client.history(A, SINCE, UNTIL)
    assert found.timestamp == SINCE + timedelta(minutes=1, seconds=3)


def test_what_names_another_site_and_no_inverter_is_left_out(cloud: Cloud) -> None:
    cloud.answers["nodes"] = lambda _: tree(S1=[A])
    cloud.client.inverters()
    elements = [
        reading(None, SiteId=site, TimestampUtc=f"2026-03-02T00:0{minute}:03Z")
        for minute, site in enumerate(("S2", "S1", None))
    ]
    cloud.answers["v2.21 between"] = lambda _: answer({"TotalCount": 3, "Data": elements})
    found = cloud.client.history(A, SINCE, UNTIL)
    assert [one.site_id for one in found] == ["S1", None]


@pytest.mark.parametrize(("answers", "status"), [*product(range(4), [400, 403, 404, 405])])
def test_the_first_route_that_answers_is_taken_and_kept(
    cloud: Cloud, answers: int, status: int
) -> None:
    for route in ROUTES[:answers]:
        cloud.faults[route, None] = status
    cloud.answers[ROUTES[answers]] = lambda _: stamped(at(0))
    assert len(cloud.client.history(A, SINCE, UNTIL)) == 1
    assert asked(cloud) == ROUTES[: answers + 1]
    assert len(cloud.client.history(A, SINCE, UNTIL)) == 1
    assert asked(cloud) == [ROUTES[answers]]


@pytest.mark.parametrize("data", [None, []])
def test_null_and_an_empty_list_are_nothing(cloud: Cloud, data: object) -> None:
    cloud.answers["v2.21 between"] = lambda _: answer({"TotalCount": 0, "Data": data})
    assert cloud.client.history(A, SINCE, UNTIL) == ()


def test_not_found_is_nothing_on_a_route_that_has_answered(cloud: Cloud) -> None:
    cloud.answers["v2.21 between"] = lambda _: stamped(at(0))
    cloud.client.history(A, SINCE, UNTIL)
    cloud.take()
    cloud.faults["v2.21 between", None] = 404
    assert cloud.client.history(A, SINCE, UNTIL) == ()
    assert asked(cloud) == ["v2.21 between"]


def test_a_route_that_is_refused_later_is_left_for_another(cloud: Cloud) -> None:
    cloud.answers |= dict.fromkeys(ROUTES[:2], lambda _: stamped(at(0)))
    cloud.client.history(A, SINCE, UNTIL)
    cloud.faults["v2.21 between", None] = 405
    assert len(cloud.client.history(A, SINCE, UNTIL)) == 1


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [((404, 404, 404, 404), NotFoundError), ((404, 403, 404, 404), AccessError)],
)
def test_where_all_refuse_the_most_telling_is_raised(
    cloud: Cloud, statuses: tuple[int, ...], kind: type[CloudError]
) -> None:
    cloud.faults |= {(route, None): one for route, one in zip(ROUTES, statuses, strict=True)}
    with pytest.raises(kind):
        cloud.client.history(A, SINCE, UNTIL)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_where_all_refuse_one_is_tried_each_time_until_one_answers(
    cloud: Cloud, status: int
) -> None:
    cloud.faults |= {(route, None): status for route in ROUTES}
    for _ in range(8):
        with pytest.raises(CloudError):
            cloud.client.history(A, SINCE, UNTIL)
    assert asked(cloud) == ROUTES + ROUTES + ROUTES[:3]
    cloud.faults.clear()
    cloud.answers |= dict.fromkeys(ROUTES, lambda _: stamped(at(0)))
    for _ in range(3):
        assert len(cloud.client.history(A, SINCE, UNTIL)) == 1
    # What answers first need not be the best.
    assert asked(cloud) == [ROUTES[3], ROUTES[0], ROUTES[0]]


def test_a_route_that_was_kept_is_kept_while_all_refuse(cloud: Cloud) -> None:
    cloud.answers |= dict.fromkeys(ROUTES, lambda _: stamped(at(0)))
    cloud.client.history(A, SINCE, UNTIL)
    cloud.take()
    cloud.faults |= {(route, None): 400 for route in ROUTES}
    for _ in range(3):
        with pytest.raises(RequestError):
            cloud.client.history(A, SINCE, UNTIL)
    first, others = ROUTES[0], ROUTES[1:]
    assert asked(cloud) == [first, *others, first, others[0], first, others[1]]
    cloud.faults.clear()
    assert len(cloud.client.history(A, SINCE, UNTIL)) == 1
    assert asked(cloud) == [first]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_there_is_a_second_between_two_requests(cloud: Cloud, status: int) -> None:
    moments: list[float] = []

    def refuse(_: object) -> Answer:
        moments.append(cloud.time.monotonic())
        return answer({}, status)

    cloud.answers |= dict.fromkeys(ROUTES, refuse)
    with pytest.raises(CloudError):
        cloud.client.history(A, SINCE, UNTIL)
    assert len(moments) >= 3
    assert min(after - before for before, after in pairwise(moments)) >= 1


def test_trouble_is_no_reason_to_try_another_route(cloud: Cloud) -> None:
    cloud.faults["v2.21 between", None] = 503
    with pytest.raises(TransientError) as caught:
        cloud.client.history(A, SINCE, UNTIL)
    assert isinstance(caught.value, CloudError)
    assert set(asked(cloud)) == {"v2.21 between"}
