"""Readings: on which route they are got, and what one inverter's trouble means for the others."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import requests
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError

from cloud.bench import (
    API,
    CLIENT_ID,
    LOGIN,
    NEW_TOKEN,
    OLD_TOKEN,
    ROUTES,
    SECRET,
    START,
    A,
    Answer,
    B,
    C,
    Cloud,
    D,
    answer,
    grant,
    kinds,
    reading,
    tree,
)
from redback.cloud import (
    AccessError,
    CloudError,
    CredentialsError,
    Dynamic,
    ListedInverter,
    NotFoundError,
    RememberedRoute,
    RequestError,
    ThrottledError,
    TransientError,
    Transport,
)
from redback.environment import Environment
from redback.options import Login
from redback.polling.account import connect
from redback.saved_state import SavedState

BEST, NEXT, THIRD, LAST = "v2.21 multiple", "v2.21 single", "v2 multiple", "v2 single"


def good(outcomes: dict[str, Dynamic | CloudError]) -> set[str]:
    """Return the inverters that have a reading, after a look whether it is their own."""
    readings = {s: one for s, one in outcomes.items() if isinstance(one, Dynamic)}
    assert all(not one.serials or serial in one.serials for serial, one in readings.items())
    return set(readings)


def test_one_request_brings_all_readings(cloud: Cloud) -> None:
    assert good(cloud.read(A, B, C)) == {A, B, C}
    assert cloud.take() == [(BEST, (A, B, C))]
    assert cloud.routes() == dict.fromkeys([A, B, C], BEST)


def test_a_hundred_are_asked_for_at_once(cloud: Cloud) -> None:
    serials = [f"RB{number}" for number in range(250)]
    assert [len(batch) for batch in cloud.client.batches(serials)] == [100, 100, 50]
    outcomes = cloud.client.dynamic(serials, 45)
    assert good(outcomes) == set(serials)
    assert [len(asked) for _, asked in cloud.take()] == [100, 100, 50]


def test_an_inverter_that_is_named_twice_is_read_once(cloud: Cloud) -> None:
    assert cloud.client.batches([A, B, A]) == [(A, B)]
    assert list(cloud.client.dynamic((A, A), 45)) == [A]
    assert cloud.take() == [(BEST, (A,))]


def test_nothing_to_read_is_nothing_to_do(cloud: Cloud) -> None:
    assert cloud.client.batches([]) == []
    assert cloud.client.dynamic((), 45) == {}
    assert cloud.take() == []


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_where_many_at_once_are_refused_each_is_read_singly_at_once_and_from_then_on(
    cloud: Cloud, status: int
) -> None:
    cloud.faults[BEST, None] = status
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.take() == [(BEST, (A, B)), (NEXT, (A,)), (NEXT, (B,))]
    assert cloud.routes() == {A: NEXT, B: NEXT}
    assert cloud.client.batches([A, B]) == [(A,), (B,)]
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.take() == [(NEXT, (A,)), (NEXT, (B,))]


def test_without_the_newer_version_the_older_one_is_taken(cloud: Cloud) -> None:
    cloud.faults |= {(BEST, None): 404, (NEXT, None): 404}
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.take() == [(BEST, (A, B)), (NEXT, (A,)), (NEXT, (B,)), (THIRD, (A, B))]
    assert cloud.routes() == {A: THIRD, B: THIRD}
    assert cloud.client.batches([A, B]) == [(A, B)]
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.take() == [(THIRD, (A, B))]


def test_the_last_route_is_good_enough(cloud: Cloud) -> None:
    cloud.faults |= {(BEST, None): 404, (NEXT, None): 404, (THIRD, None): 405}
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.routes() == {A: LAST, B: LAST}


def test_a_route_of_the_last_run_is_taken_at_once(cloud: Cloud) -> None:
    routes = {A: RememberedRoute(LAST, START), B: RememberedRoute("v9 telepathy", START)}
    cloud.remembered.remember_routes(routes)
    assert cloud.client.batches([A, B]) == [(A,), (B,)]
    cloud.client.dynamic([A, B], 45)
    assert cloud.take() == [(LAST, (A,)), (BEST, (B,))]


def test_one_that_is_refused_does_not_drag_the_others_down(cloud: Cloud) -> None:
    cloud.faults |= {(route, C): 403 for route in (BEST, NEXT, THIRD, LAST)}
    outcomes = cloud.read(A, B, C, D)
    assert good(outcomes) == {A, B, D}
    assert isinstance(outcomes[C], AccessError)
    assert cloud.take() == [
        (BEST, (A, B, C, D)),
        *((NEXT, (serial,)) for serial in (A, B, C, D)),
        (THIRD, (C,)),
        (LAST, (C,)),
    ]
    assert cloud.routes() == {}
    assert cloud.client.batches([A, B, C, D]) == [(C,), (A, B, D)]
    assert good(cloud.read(A, B, C, D)) == {A, B, D}
    assert cloud.take() == [(BEST, (A, B, D))]
    assert cloud.routes() == {A: BEST, B: BEST, D: BEST}


def test_if_the_route_is_refused_too_that_shows_the_next_time(cloud: Cloud) -> None:
    cloud.faults |= {(route, C): 403 for route in (NEXT, THIRD, LAST)} | {(BEST, None): 404}
    assert good(cloud.read(A, B, C)) == {A, B}
    assert cloud.routes() == {}
    assert good(cloud.read(A, B, C)) == {A, B}
    assert cloud.routes() == {A: NEXT, B: NEXT}


def test_one_that_the_newer_version_refuses_is_read_on_the_older_one(cloud: Cloud) -> None:
    cloud.faults |= {(BEST, C): 400, (NEXT, C): 404}
    assert good(cloud.read(A, B, C)) == {A, B, C}
    assert cloud.routes() == {C: THIRD}
    cloud.take()
    assert good(cloud.read(A, B, C)) == {A, B, C}
    assert sorted(cloud.take()) == [(THIRD, (C,)), (BEST, (A, B))]
    assert set(cloud.client.batches([A, B, C])) == {(A, B), (C,)}


def test_the_most_telling_error_stands_for_all(cloud: Cloud) -> None:
    cloud.faults |= {(BEST, A): 400, (NEXT, A): 404, (THIRD, A): 403, (LAST, A): 405}
    assert kinds(cloud.read(A)) == {A: AccessError}
    cloud.faults |= {(BEST, B): 400, (NEXT, B): 400, (THIRD, B): 400, (LAST, B): 404}
    assert kinds(cloud.read(B)) == {B: NotFoundError}
    cloud.faults |= {(BEST, C): 400, (NEXT, C): 400, (THIRD, C): 400, (LAST, C): 405}
    assert kinds(cloud.read(C)) == {C: RequestError}


def test_one_that_is_refused_has_a_cool_down_of_a_minute(cloud: Cloud) -> None:
    cloud.faults |= {(route, C): 404 for route in (BEST, NEXT, THIRD, LAST)}
    first = cloud.read(A, C)[C]
    cloud.take()
    cloud.time.pass_(seconds=59)
    assert cloud.read(C) == {C: first}
    assert cloud.take() == []
    cloud.time.pass_(seconds=2)
    assert set(cloud.client.batches([A, C])) == {(A,), (C,)}
    assert kinds(cloud.read(A, C)) == {A: Dynamic, C: NotFoundError}
    assert sorted(cloud.take()) == sorted(
        [(BEST, (A,)), (BEST, (C,)), (NEXT, (C,)), (THIRD, (C,)), (LAST, (C,))]
    )
    cloud.time.pass_(minutes=3)
    cloud.faults.clear()
    assert good(cloud.read(A, C)) == {A, C}
    assert cloud.client.batches([A, C]) == [(A, C)]


def test_one_that_stays_refused_is_asked_for_ever_less_up_to_a_quarter_of_an_hour(
    cloud: Cloud,
) -> None:
    cloud.faults |= {(route, C): 404 for route in (BEST, NEXT, THIRD, LAST)}
    asked = []
    for minute in range(120):
        cloud.read(C)
        if cloud.take():
            asked.append(minute)
        cloud.time.pass_(minutes=1)
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert waits[:4] == [1, 2, 4, 8]
    assert set(waits[4:]) == {15}


def test_one_that_is_refused_keeps_its_remembered_route(cloud: Cloud) -> None:
    cloud.read(A)
    before = cloud.remembered.current
    cloud.faults |= {(route, A): 403 for route in (BEST, NEXT, THIRD, LAST)}
    assert kinds(cloud.read(A)) == {A: AccessError}
    assert cloud.remembered.current == before


def test_a_remembered_route_that_is_gone_is_replaced_by_any_other(cloud: Cloud) -> None:
    cloud.remembered.remember_routes({A: RememberedRoute(LAST, START)})
    cloud.faults[LAST, None] = 404
    assert good(cloud.client.dynamic([A], 45)) == {A}
    assert cloud.take() == [(LAST, (A,)), (BEST, (A,))]
    assert cloud.routes() == {A: BEST}


def test_one_that_is_left_out_is_read_singly(cloud: Cloud) -> None:
    cloud.left_out = {B}
    assert good(cloud.read(A, B, C)) == {A, B, C}
    assert cloud.take() == [(BEST, (A, B, C)), (NEXT, (B,))]
    assert cloud.routes() == {A: BEST, B: NEXT, C: BEST}


def test_one_that_is_left_out_and_unknown_is_not_found(cloud: Cloud) -> None:
    cloud.left_out = {B}
    cloud.faults |= {(NEXT, B): 404, (LAST, B): 404}
    assert kinds(cloud.read(A, B)) == {A: Dynamic, B: NotFoundError}
    cloud.take()
    assert kinds(cloud.read(A, B)) == {A: Dynamic, B: NotFoundError}
    assert cloud.take() == [(BEST, (A,))]


def test_a_better_route_is_looked_for_once_a_day(cloud: Cloud) -> None:
    cloud.faults |= {(BEST, None): 404, (NEXT, None): 404}
    cloud.read(A)
    cloud.time.pass_(hours=23)
    cloud.take()
    cloud.read(A)
    assert cloud.take() == [(THIRD, (A,))]
    cloud.time.pass_(hours=2)
    cloud.read(A)
    assert cloud.take() == [(THIRD, (A,)), (BEST, (A,)), (NEXT, (A,))]
    cloud.read(A)
    assert cloud.take() == [(THIRD, (A,))]
    cloud.faults.clear()
    cloud.time.pass_(hours=25)
    cloud.answers[BEST] = lambda serials: answer(
        {"Data": [reading(serial, PvPowerInstantaneouskW=9) for serial in serials]}
    )
    outcome = cloud.read(A)[A]
    assert isinstance(outcome, Dynamic)
    assert outcome.pv_power_kw == 9
    assert cloud.routes() == {A: BEST}
    cloud.take()
    cloud.read(A)
    assert cloud.take() == [(BEST, (A,))]


@pytest.mark.parametrize("status", [500, 429])
def test_looking_for_a_better_route_costs_no_reading(cloud: Cloud, status: int) -> None:
    cloud.faults |= {(BEST, None): 404, (NEXT, None): 404}
    cloud.read(A)
    cloud.faults |= {(BEST, None): status, (NEXT, None): status}
    cloud.time.pass_(hours=25)
    assert good(cloud.read(A)) == {A}


def test_a_better_route_is_looked_for_even_if_the_clock_was_wrong(cloud: Cloud) -> None:
    cloud.remembered.remember_routes({A: RememberedRoute(LAST, START + timedelta(days=9))})
    cloud.client.dynamic([A], 45)
    assert cloud.take() == [(LAST, (A,)), (BEST, (A,))]


def test_not_all_look_for_a_better_route_at_once(cloud: Cloud) -> None:
    serials = [f"RB{number}" for number in range(10)]
    routes = {serial: RememberedRoute(THIRD, START) for serial in serials}
    cloud.remembered.remember_routes(routes)
    cloud.faults |= {(BEST, None): 404, (NEXT, None): 404}
    cloud.time.pass_(days=2)
    cloud.client.dynamic(serials, 45)
    assert len(cloud.take()) == 1 + 3 * 2


def test_many_at_once_that_meet_trouble_are_read_singly_but_not_for_long(cloud: Cloud) -> None:
    cloud.faults[BEST, None] = 500
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.take() == [(BEST, (A, B))] * 3 + [(NEXT, (A,)), (NEXT, (B,))]
    assert cloud.routes() == {}
    cloud.faults.clear()
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.take() == [(BEST, (A, B))]


def test_a_cloud_in_trouble_is_not_asked_for_each_inverter(cloud: Cloud) -> None:
    cloud.faults |= {(route, None): 502 for route in (BEST, NEXT, THIRD, LAST)}
    outcomes = cloud.read(A, B, C)
    assert kinds(outcomes) == dict.fromkeys([A, B, C], TransientError)
    singly = [(NEXT, (A,))] * 3 + [(NEXT, (B,))] * 3
    assert cloud.take() == [(BEST, (A, B, C))] * 3 + singly


def test_one_inverter_in_trouble_that_spoils_the_multiple_costs_the_others_nothing(
    cloud: Cloud,
) -> None:
    cloud.faults |= {(BEST, None): 503, (NEXT, A): 503}
    assert good(cloud.read(A, B, C)) == {B, C}


def test_two_inverters_in_trouble_that_spoil_the_multiple_cost_the_others_one_minute_at_most(
    cloud: Cloud,
) -> None:
    cloud.faults |= {(BEST, None): 503, (NEXT, A): 503, (NEXT, B): 503}
    cloud.read(A, B, C, D)
    for _ in range(2):
        assert good(cloud.read(A, B, C, D)) == {C, D}
    cloud.faults.pop((NEXT, A))
    assert good(cloud.read(A, B, C, D)) == {A, C, D}


def test_a_line_that_is_down_is_tried_with_one_request_only(cloud: Cloud) -> None:
    cloud.web.reset()
    cloud.web.post(NEW_TOKEN, body=grant()[2])
    down = f"{API}/Api/v2.21/EnergyData/Multiple/BySerialNumber/Dynamic"
    closed = NewConnectionError(HTTPSConnection("api.example"), "refused")
    cloud.web.post(
        down, body=requests.ConnectionError(MaxRetryError(HTTPSConnectionPool("x"), "/", closed))
    )
    assert kinds(cloud.client.dynamic([A, B], 45)) == {A: TransientError, B: TransientError}
    assert len(cloud.web.calls) == 1 + 3


def test_a_multiple_that_is_always_cut_off_is_replaced_by_single_reads(cloud: Cloud) -> None:
    def cut(_: list[str]) -> Answer:
        raise requests.ConnectionError("cut")

    cloud.answers[BEST] = cut
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.take()[-2:] == [(NEXT, (A,)), (NEXT, (B,))]


@pytest.mark.parametrize(
    "strange",
    [(200, {}, "<html>"), answer([]), answer({"Data": 5}), answer({"Data": {}}), (204, {}, "")],
)
def test_an_answer_of_another_shape_is_trouble_that_passes(cloud: Cloud, strange: Answer) -> None:
    for route in (BEST, NEXT, THIRD, LAST):
        cloud.answers[route] = lambda _: strange
    assert kinds(cloud.read(A, B)) == {A: TransientError, B: TransientError}
    assert cloud.routes() == {}


@pytest.mark.parametrize("data", [None, {"Status": "OK"}, [], "x", reading(B)])
def test_a_single_answer_that_is_empty_or_about_another_inverter_is_not_taken(
    cloud: Cloud, data: object
) -> None:
    cloud.faults[BEST, None] = 404
    cloud.answers[NEXT] = lambda _: answer({"Data": data})
    assert kinds(cloud.read(A)) == {A: TransientError}
    assert (THIRD, (A,)) not in cloud.take()


@pytest.mark.parametrize("data", [reading(None), reading(B, A), reading(A)])
def test_a_single_answer_that_may_be_about_the_inverter_is_taken(
    cloud: Cloud, data: object
) -> None:
    cloud.faults[BEST, None] = 404
    cloud.answers[NEXT] = lambda _: answer({"Data": data})
    assert kinds(cloud.read(A)) == {A: Dynamic}


@pytest.mark.parametrize(("site", "kind"), [("S2", TransientError), ("S1", Dynamic)])
def test_a_single_answer_that_names_no_inverter_is_not_taken_from_another_site(
    cloud: Cloud, site: str, kind: type[object]
) -> None:
    cloud.answers["nodes"] = lambda _: tree(S1=[A, B])
    cloud.answers[NEXT] = lambda _: answer({"Data": reading(None, SiteId=site)})
    cloud.left_out = {A}
    cloud.client.inverters()
    assert kinds(cloud.read(A, B)) == {A: kind, B: Dynamic}


def test_an_inverter_that_the_list_lacks_now_keeps_its_site(cloud: Cloud) -> None:
    cloud.answers["nodes"] = lambda _: tree(S1=[A])
    cloud.client.inverters()
    cloud.answers["nodes"] = lambda _: tree(S1=[])
    cloud.client.inverters()
    cloud.faults[BEST, None] = 404
    cloud.answers[NEXT] = lambda _: answer({"Data": reading(None, SiteId="S2")})
    assert kinds(cloud.read(A)) == {A: TransientError}


def test_after_a_restart_the_sites_of_the_last_run_are_known(
    cloud: Cloud, transport: Transport, tmp_path: Path
) -> None:
    saved = SavedState(tmp_path / "state.json")
    saved.save(inverters=(ListedInverter(A, "S1"),))
    environment = Environment("", "", API, LOGIN, data=tmp_path, panel_port=0)
    login = Login(CLIENT_ID, SECRET)
    client = connect(transport, environment, login, saved, lambda _: None)
    cloud.faults[BEST, None] = 404
    cloud.answers[NEXT] = lambda _: answer({"Data": reading(None, SiteId="S2")})
    assert kinds(client.dynamic([A], 45)) == {A: TransientError}


def test_an_element_without_inverters_is_known_by_its_site(cloud: Cloud) -> None:
    cloud.answers["nodes"] = lambda _: tree(S1=[A, B], S2=[C])
    cloud.answers[BEST] = lambda _: answer(
        {"Data": [reading(None, SiteId="S2"), reading(None, SiteId="S1")]}
    )
    cloud.client.inverters()
    cloud.take()
    outcomes = cloud.read(A, B, C)
    assert good(outcomes) == {A, B, C}
    of_c = outcomes[C]
    assert isinstance(of_c, Dynamic)
    assert of_c.site_id == "S2"
    assert cloud.take() == [(BEST, (A, B, C)), (NEXT, (A,)), (NEXT, (B,))]


def test_elements_in_another_order_reach_their_own_inverter(cloud: Cloud) -> None:
    def shuffled(serials: list[str]) -> Answer:
        return answer({"Data": [reading(one, SiteId=f"site of {one}") for one in serials[::-1]]})

    cloud.answers[BEST] = shuffled
    for serial, outcome in cloud.read(A, B, C).items():
        assert isinstance(outcome, Dynamic)
        assert outcome.site_id == f"site of {serial}"


def test_a_malformed_element_costs_the_others_nothing(cloud: Cloud) -> None:
    cloud.answers[BEST] = lambda _: answer({"Data": [None, 5, {"x": 1}, reading(A)]})
    cloud.faults[NEXT, B] = 500
    assert kinds(cloud.read(A, B)) == {A: Dynamic, B: TransientError}


def _forget_the_token(cloud: Cloud, status: int) -> None:
    """Let the cloud take no token but the next one from now on."""
    cloud.read(A, B)
    cloud.time.pass_(minutes=10)
    cloud.web.remove("POST", NEW_TOKEN)
    cloud.web.add_callback("POST", NEW_TOKEN, lambda _: grant("t0k3n-2"))
    cloud.refused["Bearer t0k3n-1"] = status
    cloud.tokens.clear()
    cloud.take()


@pytest.mark.parametrize(("status", "tries"), [(401, 1), (500, 3)])
def test_a_token_that_has_run_out_is_renewed_without_a_word(
    cloud: Cloud, status: int, tries: int
) -> None:
    _forget_the_token(cloud, status)
    assert good(cloud.read(A, B)) == {A, B}
    assert cloud.take() == [(BEST, (A, B))] * tries + [("nodes", ())] * tries + [(BEST, (A, B))]
    assert cloud.tokens == ["Bearer t0k3n-1"] * (2 * tries) + ["Bearer t0k3n-2"]


@pytest.mark.parametrize("status", [401, 403])
def test_one_that_has_left_the_account_costs_the_others_nothing(cloud: Cloud, status: int) -> None:
    cloud.faults |= {(route, A): status for route in (BEST, NEXT, THIRD, LAST)}
    for hours in (0, 1, 24):
        cloud.time.pass_(hours=hours)
        outcomes = cloud.read(A, B, C)
        assert kinds(outcomes) == {A: AccessError, B: Dynamic, C: Dynamic}
        assert str(status) in str(outcomes[A])
    assert kinds(cloud.read(A)) == {A: AccessError}


def test_one_that_has_left_the_account_costs_no_token(cloud: Cloud) -> None:
    asked = _count_tokens(cloud)
    cloud.faults |= {(route, A): 401 for route in (BEST, NEXT, THIRD, LAST)}
    for _ in range(120):
        assert good(cloud.read(A, B)) == {B}
        cloud.time.pass_(minutes=1)
    assert len(asked) == 1


@pytest.mark.parametrize(("status", "most"), [(500, 16), (502, 1)])
def test_a_cloud_that_fails_is_asked_for_few_tokens(cloud: Cloud, status: int, most: int) -> None:
    asked = _count_tokens(cloud)
    cloud.faults |= {(route, None): status for route in ROUTES if not route.endswith("token")}
    for _ in range(180):
        assert not good(cloud.read(A, B))
        cloud.time.pass_(minutes=1)
    assert 1 <= len(asked) <= most
    cloud.faults.clear()
    assert good(cloud.read(A, B)) == {A, B}


def test_a_route_that_always_fails_costs_no_token(cloud: Cloud) -> None:
    asked = _count_tokens(cloud)
    cloud.faults[BEST, None] = 500
    for _ in range(120):
        assert good(cloud.read(A, B)) == {A, B}
        cloud.time.pass_(minutes=1)
    assert len(asked) == 1


def _count_tokens(cloud: Cloud) -> list[float]:
    """Hand out tokens that last until they are refused; return when each was asked for."""
    asked: list[float] = []

    def give(_: requests.PreparedRequest) -> Answer:
        asked.append(cloud.time.passed)
        return grant(f"t0k3n-{len(asked)}", expires_in=None)

    cloud.web.remove("POST", NEW_TOKEN)
    cloud.web.add_callback("POST", NEW_TOKEN, give)
    return asked


def test_a_token_that_is_no_good_is_reported_as_that(cloud: Cloud) -> None:
    cloud.web.post(OLD_TOKEN, status=404)
    cloud.refused["Bearer t0k3n-1"] = 401
    with pytest.raises(CredentialsError, match="no data for the token") as caught:
        cloud.read(A, B)
    assert caught.value.token_refused
    assert cloud.take() == [(BEST, (A, B)), ("nodes", ())]


def test_a_token_of_the_other_endpoint_may_be_better(cloud: Cloud) -> None:
    cloud.web.post(OLD_TOKEN, body=grant("of-old")[2])
    cloud.refused["Bearer t0k3n-1"] = 401
    assert good(cloud.read(A)) == {A}
    assert cloud.remembered.current.token_endpoint == "old"


def test_without_a_token_no_inverter_is_asked_for(cloud: Cloud) -> None:
    cloud.web.replace("POST", NEW_TOKEN, status=500)
    cloud.web.post(OLD_TOKEN, status=500)
    assert kinds(cloud.read(A, B)) == {A: TransientError, B: TransientError}
    assert cloud.take() == []
    assert len(cloud.web.calls) == 6


def test_bad_credentials_are_reported_as_that(cloud: Cloud) -> None:
    cloud.web.replace("POST", NEW_TOKEN, status=400, json={"error": "unauthorized_client"})
    cloud.web.post(OLD_TOKEN, status=401)
    with pytest.raises(CredentialsError) as caught:
        cloud.read(A)
    assert not caught.value.token_refused
    assert cloud.asked == []


def test_a_throttled_account_is_left_alone(cloud: Cloud) -> None:
    cloud.faults[BEST, None] = 429
    with pytest.raises(ThrottledError):
        cloud.read(A, B)
    assert len(cloud.take()) == 1


def test_readings_that_came_before_the_throttling_are_kept(cloud: Cloud) -> None:
    cloud.faults |= {(BEST, None): 404, (NEXT, B): 429}
    assert kinds(cloud.client.dynamic([A, B, C], 45)) == {
        A: Dynamic,
        B: ThrottledError,
        C: ThrottledError,
    }
    assert cloud.take()[-1] == (NEXT, (B,))


def test_a_slow_inverter_does_not_starve_the_others(cloud: Cloud) -> None:
    def slow(serials: list[str]) -> Answer:
        if serials == [A]:
            cloud.time.pass_(seconds=14)
            return answer({}, 500)
        return answer({"Data": reading(serials[0])})

    cloud.faults[BEST, None] = 404
    cloud.answers[NEXT] = slow
    assert kinds(cloud.client.dynamic([A, B, C], 45)) == {A: TransientError, B: Dynamic, C: Dynamic}


def test_a_deadline_ends_what_is_not_done(cloud: Cloud) -> None:
    def slow(serials: list[str]) -> Answer:
        cloud.time.pass_(seconds=4)
        return answer({"Data": reading(serials[0])})

    cloud.faults[BEST, None] = 404
    cloud.answers[NEXT] = slow
    serials = [A, B, C, D]
    outcomes = cloud.client.dynamic(serials, 9)
    assert kinds(outcomes) == {A: Dynamic, B: Dynamic, C: TransientError, D: TransientError}
    assert cloud.time.passed == 12  # the third was on its way when the time was up


def test_a_strange_serial_number_stays_one_part_of_the_path(cloud: Cloud) -> None:
    cloud.faults[BEST, None] = 404
    cloud.answers[NEXT] = lambda _: answer({"Data": reading(None)})
    cloud.read("a/b?c#d e")
    assert cloud.take()[-1] == (NEXT, ("a%2Fb%3Fc%23d%20e",))


@pytest.mark.parametrize("stamp", [None, "yesterday", 7, "2026-13-32T25:61:61Z"])
def test_a_reading_without_a_time_is_logged_with_its_inverter_and_costs_the_others_nothing(
    cloud: Cloud, stamp: object
) -> None:
    broken = reading(A, TimestampUtc=stamp)
    for multiple in (BEST, THIRD):
        cloud.answers[multiple] = lambda serials: answer(
            {"Data": [broken if one == A else reading(one) for one in serials]}
        )
    for single in (NEXT, LAST):
        cloud.answers[single] = lambda _: answer({"Data": broken})
    for _ in range(2):
        outcomes = cloud.read(A, B)
        assert isinstance(outcomes[B], Dynamic)
        assert str(outcomes[A]).startswith("its reading has no valid time")
        # The Multiple is asked again the next time, for both.
        assert cloud.take()[0] == (BEST, (A, B))
