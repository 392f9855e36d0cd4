"""That whatever the cloud answers, what comes out is honest data or a known error, and soon."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

import msgspec
import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from cloud.bench import API, CLIENT_ID, LOGIN, SECRET, START, A, B, C, D, FakeTime, understand
from examples import decoded, payload
from redback.cloud import (
    CloudError,
    Configuration,
    Credentials,
    CredentialsError,
    Dynamic,
    Hosts,
    ListedInverter,
    RedbackClient,
    Remembered,
    RememberedHolder,
    RememberedRoute,
    Static,
    TokenSource,
    Transport,
)
from strange import VALID, VALUES, spoilt, written

# How long each request takes, seconds.
_PACE = 0.1
REMEMBERED = msgspec.to_builtins(
    Remembered("old", {one: RememberedRoute("v2 single", START) for one in (A, B)})
)
SINCE = START.replace(minute=0, second=0)
PAST = [SINCE + timedelta(minutes=minutes) for minutes in (0, 1, 2)]
_ROUTES = [
    *("new token", "old token", "v2.21 multiple", "v2.21 single", "v2 multiple", "v2 single"),
    *("configuration multiple", "configuration single", "static", "nodes", "past"),
]


@dataclass(frozen=True)
class Said:
    """An answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Reply = Callable[[list[str]], Said]


class Wire(HTTPAdapter):
    """Takes requests to answers by their route, without a network; counts them."""

    def __init__(self, time: FakeTime, replies: Mapping[str, Reply]) -> None:
        super().__init__()
        self._time = time
        self._replies = replies
        self.asked = 0

    def send(
        self, request: requests.PreparedRequest, *_: object, **__: object
    ) -> requests.Response:
        self.asked += 1
        self._time.pass_(seconds=_PACE)
        route, serials = understand(request)
        said = self._replies["past" if route.endswith(("between", "before")) else route](serials)
        raw = urllib3.HTTPResponse(
            io.BytesIO(said.body), said.headers, said.status, preload_content=False
        )
        return self.build_response(request, raw)


class Bench:
    """An account that asks a cloud which answers as set, and else as it should."""

    def __init__(
        self, replies: Mapping[str, Reply] | None = None, remembered: Remembered | None = None
    ) -> None:
        self.time = FakeTime()
        good = {route: _good(route) for route in _ROUTES}
        self.wire = Wire(self.time, good | dict(replies or {}))
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, self.wire)
        transport = Transport(session, monotonic=self.time.monotonic, sleep=self.time.sleep)
        holder = RememberedHolder(remembered)
        credentials = Credentials(CLIENT_ID, SECRET)
        tokens = TokenSource(transport, credentials, holder, Hosts(API, LOGIN))
        self.client = RedbackClient(transport, tokens, holder, now=self.time.now)


def reading(serial: str) -> dict[str, Any]:
    listed = [{"SerialNumber": serial, "PowerMode": {"InverterMode": "Auto", "PowerW": 0}}]
    return payload("three_phase_battery") | {"SiteId": None, "Inverters": listed}


def minute(moment: datetime) -> dict[str, Any]:
    """Return a reading of the past."""
    return reading(A) | {"TimestampUtc": moment.isoformat()}


def configuration(serial: str) -> dict[str, Any]:
    return payload("configuration") | {"SerialNumber": serial}


def content(route: str, serials: Iterable[str]) -> dict[str, Any]:
    """Return what the cloud should answer."""
    if route.endswith("token"):
        return {"token_type": "Bearer", "expires_in": 3599, "access_token": "t0k3n"}
    if route == "nodes":
        inverters = [{"Id": one, "Type": "Inverter", "SerialNumber": one} for one in (A, B)]
        site = {"Id": "S2026030100001", "Type": "Site", "Nodes": inverters}
        return {"TotalCount": 1, "PageCount": 1, "Data": [site]}
    if route == "past":
        return {"TotalCount": 3, "Data": [minute(one) for one in PAST]}
    if route == "static":
        return {"Data": payload("static")}
    is_reading = not route.startswith("configuration")
    elements = [reading(one) if is_reading else configuration(one) for one in serials]
    if route.endswith("single"):
        return {"Data": elements[0]}
    listed = elements if is_reading else [{"Data": one, "ErrorMsg": None} for one in elements]
    return {"TotalCount": len(listed), "Data": listed}


def said(value: object) -> Said:
    return Said(_said(written(value)))


def _always(answer: Said) -> Reply:
    return lambda _: answer


def _good(route: str) -> Reply:
    return lambda serials: said(content(route, serials))


def _said(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _bodies(route: str) -> st.SearchStrategy[bytes]:
    good = content(route, [A, B] if "multiple" in route else [A])
    whole = spoilt(good)
    inside = VALUES.map(lambda value: {"Data": value, "TotalCount": value})
    text = st.one_of(whole, whole, whole, inside, VALUES).map(written).map(_said)
    cut = st.tuples(text, st.integers(0, 2000)).map(lambda pair: pair[0][: pair[1]])
    return st.one_of(text, text, cut, st.binary(max_size=40), st.just(b""))


_NAMES = ("Content-Type", "Content-Length", "Content-Encoding", "Retry-After", "Location")
_TEXTS = (
    *("text/html", "gzip", "br", "deflate, gzip", "", "\xff", "https://elsewhere.example"),
    *("0", "-1", "5", "1e9", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"),
)
_HEADERS = st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(_TEXTS), max_size=2)
_REFUSALS = [400, 401, 403, 404, 405, 408, 410, 429, 500, 503, 599, 999]
_STATUSES = st.sampled_from([200] * 12 + [201, 204, 206, 302, 304] + _REFUSALS)


@st.composite
def _spoilt_cloud(draw: Any) -> dict[str, Said]:  # noqa: ANN401 - hypothesis gives it no name
    """Return what some routes answer, whoever asks them for what."""
    routes = draw(st.lists(st.sampled_from(list(_ROUTES)), min_size=1, max_size=5, unique=True))
    return {route: Said(draw(_bodies(route)), draw(_STATUSES), draw(_HEADERS)) for route in routes}


def honest(outcome: object, kind: type) -> bool:
    """Whether it is a known error, or each field holds what its type says."""
    if isinstance(outcome, CloudError):
        return bool(str(outcome))
    return type(outcome) is kind and msgspec.convert(msgspec.to_builtins(outcome), kind) == outcome


_Outcome = TypeVar("_Outcome")


def within(bench: Bench, most: int, question: Callable[[], _Outcome]) -> _Outcome | CloudError:
    """Ask, and see that it ends after this number of requests at most, and in time."""
    asked, passed = bench.wire.asked, bench.time.passed
    outcome: _Outcome | CloudError
    try:
        outcome = question()
    except CloudError as error:
        outcome = error
    assert bench.wire.asked - asked <= most
    # The wait for an answer that is on its way may come on top.
    assert bench.time.passed - passed <= 60 + _PACE
    return outcome


@given(_spoilt_cloud())
def test_no_answer_is_too_strange(answers: dict[str, Said]) -> None:
    bench = Bench({route: _always(said) for route, said in answers.items()})
    client = bench.client
    found = within(bench, 16, client.inverters)
    assert isinstance(found, CloudError) or all(honest(one, ListedInverter) for one in found)
    for _ in range(2):
        read = within(bench, 24, lambda: client.dynamic([A, B], 45))
        assert isinstance(read, CloudError) or each(read, Dynamic)
    past = within(bench, 24, lambda: client.history(A, SINCE, SINCE + timedelta(hours=1)))
    assert isinstance(past, CloudError) or in_order(past)
    described = within(bench, 12, lambda: client.static(A))
    assert honest(described, Static)
    settings = within(bench, 16, lambda: client.configurations([A, B]))
    assert isinstance(settings, CloudError) or each(settings, Configuration)


def in_order(past: tuple[Dynamic, ...]) -> bool:
    """Whether these are honest readings of the hour, each moment once."""
    moments = [one.timestamp for one in past]
    in_time = all(SINCE <= moment < SINCE + timedelta(hours=1) for moment in moments)
    return in_time and moments == sorted(set(moments)) and all(honest(one, Dynamic) for one in past)


def each(outcomes: Mapping[str, object], kind: type) -> bool:
    """Whether both inverters have a known outcome."""
    return list(outcomes) == [A, B] and all(honest(one, kind) for one in outcomes.values())


@st.composite
def _one_broken(draw: Any, whole: Callable[[str], Any]) -> tuple[str, str]:  # noqa: ANN401 - hypothesis gives it no name
    """Return a serial number, and a common answer in which its element is broken."""
    elements: dict[str, Any] = {serial: whole(serial) for serial in (A, B, C, D)}
    broken = draw(st.sampled_from(list(elements)))
    elements[broken] = draw(st.one_of(spoilt(elements[broken]), VALUES))
    listed = draw(st.permutations(list(elements.values())))
    if draw(st.booleans()):
        listed.insert(draw(st.integers(0, 4)), elements[broken])
    if draw(st.booleans()):
        listed.remove(elements[broken])
    return broken, written({"TotalCount": draw(st.integers()), "Data": listed})


def refusing(broken: str, route: str) -> Reply:
    """Make a route that does what it should, but not for one inverter."""
    good = _good(route)
    return lambda serials: Said(b"{}", 404) if serials == [broken] else good(serials)


@pytest.mark.parametrize("version", ["v2.21", "v2"])
@given(data=st.data())
def test_one_broken_element_costs_no_other_inverter_its_reading(
    version: str, data: st.DataObject
) -> None:
    broken, text = data.draw(_one_broken(reading))
    gone = {route: _always(Said(b"", 404)) for route in ("v2.21 multiple", "v2.21 single")}
    spoilt_routes = {
        f"{version} multiple": _always(Said(_said(text))),
        f"{version} single": refusing(broken, f"{version} single"),
    }
    bench = Bench((gone if version == "v2" else {}) | spoilt_routes)
    outcomes = bench.client.dynamic([A, B, C, D], 45)
    assert honest(outcomes.pop(broken), Dynamic)
    assert outcomes == {serial: decoded(reading(serial)) for serial in outcomes}
    assert len(outcomes) == 3


@given(data=st.data())
def test_one_broken_element_costs_no_other_inverter_its_configuration(data: st.DataObject) -> None:
    broken, text = data.draw(
        _one_broken(lambda serial: {"Data": configuration(serial), "ErrorMsg": None})
    )
    bench = Bench(
        {
            "configuration multiple": _always(Said(_said(text))),
            "configuration single": refusing(broken, "configuration single"),
        }
    )
    outcomes = bench.client.configurations([A, B, C, D])
    assert honest(outcomes.pop(broken), Configuration)
    good = Bench().client.configurations(outcomes)
    assert len(good) == 3
    assert outcomes == good


def is_proper(value: object) -> bool:
    """Whether it is JSON in the strict sense, and not too deep; else its parts are unknown."""
    try:
        msgspec.json.decode(_said(written(value)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


@given(data=st.data())
def test_one_broken_reading_of_the_past_costs_no_other_minute(data: st.DataObject) -> None:
    elements: list[Any] = [minute(one) for one in PAST]
    broken = data.draw(st.integers(0, 2))
    elements[broken] = data.draw(VALID | spoilt(elements[broken]).filter(is_proper))
    bench = Bench({"past": _always(said({"Data": elements}))})
    past = bench.client.history(A, SINCE, SINCE + timedelta(hours=1))
    good = [decoded(minute(one)) for number, one in enumerate(PAST) if number != broken]
    assert all(one in past for one in good)


@given(st.sampled_from(["invalid_client", "unauthorized_client"]), VALID)
def test_only_the_token_endpoints_own_words_are_taken_for_wrong_credentials(
    word: str, more: object
) -> None:
    denial = {"error": word, "more": more}
    for status, routes in ((401, ("new token", "old token")), (500, ("nodes",))):
        answer = _always(Said(_said(written(denial)), status))
        with pytest.raises(CloudError) as caught:
            Bench(dict.fromkeys(routes, answer)).client.inverters()
        assert isinstance(caught.value, CredentialsError) == (status == 401)


_FIELDS = {field.encode_name: field.name for field in msgspec.structs.fields(Dynamic)}


@given(
    st.sampled_from(sorted(_FIELDS.keys() - {"TimestampUtc", "Inverters"})),
    VALID,
    st.randoms(use_true_random=False),
)
def test_one_broken_field_costs_no_other_field_whatever_their_order(
    name: str, value: object, random: Random
) -> None:
    fields = list((reading(A) | {name: value}).items())
    random.shuffle(fields)
    bench = Bench({"v2.21 multiple": _always(said({"Data": [dict(fields)]}))})
    outcome = bench.client.dynamic([A], 45)[A]
    assert isinstance(outcome, Dynamic)
    good = decoded(reading(A))
    attribute = _FIELDS[name]
    assert msgspec.structs.replace(outcome, **{attribute: getattr(good, attribute)}) == good


@given(spoilt(REMEMBERED))
def test_whatever_is_remembered_readings_come(remembered: object) -> None:
    try:
        facts = msgspec.json.decode(_said(written(remembered)), type=Remembered)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        facts = Remembered()  # as the service begins with where its file cannot be read
    outcomes = Bench(remembered=facts).client.dynamic([A, B], 45)
    assert outcomes == {serial: decoded(reading(serial)) for serial in (A, B)}
