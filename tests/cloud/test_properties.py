"""Whatever the cloud says, nothing but the known errors comes out of the whole client."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.bench import (
    API,
    CLIENT_ID,
    LOGIN,
    NEW_TOKEN,
    OLD_TOKEN,
    SECRET,
    START,
    A,
    B,
    C,
    FakeTime,
    reading,
)
from cloud.strange import JSON, spoilt
from redback.cloud import (
    Account,
    CloudError,
    Configuration,
    Credentials,
    CredentialsError,
    Dynamic,
    Hosts,
    MemoryHolder,
    Static,
    TokenSource,
    Transport,
)
from redback.ledger import counters_ledger, entities_ledger
from redback.memory import Memory
from redback.options import Options, OptionsError, read

SERIALS = (A, B, C)
# More than any one call needs, with every retry and every route.
MOST_REQUESTS = 120

GRANT = {"token_type": "Bearer", "expires_in": 3599, "access_token": "t0k3n"}
DENIAL = {"error": "invalid_client", "error_description": "no", "error_codes": [7000215]}
_PAYLOADS = Path(__file__).parent.parent / "payloads"
STATIC = json.loads((_PAYLOADS / "static.json").read_text())
NODES = {
    "Page": 0,
    "PageSize": 100,
    "PageCount": 1,
    "TotalCount": 1,
    "Data": [
        {
            "Id": "S1",
            "Type": "Site",
            "Nodes": [
                *({"SerialNumber": serial, "Id": serial, "Type": "Inverter"} for serial in SERIALS),
                {"Id": "Houseload", "Type": "Houseload", "Nodes": None},
            ],
        }
    ],
}
MULTIPLE = {"TotalCount": 3, "Data": [reading(serial) for serial in SERIALS]}
CONFIGURATIONS = {
    "TotalCount": 3,
    "Data": [
        {"Data": {"SerialNumber": serial, "SiteId": "S1", "MinSoC0to1": 0.2}, "ErrorMsg": None}
        for serial in SERIALS
    ],
}

BODIES = st.binary(max_size=40) | JSON.map(lambda data: json.dumps(data).encode())
STATUSES = st.sampled_from([200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503])


def bodies(good: object) -> st.SearchStrategy[bytes]:
    """Give any body, and good ones with anything in the place of some of it."""
    return BODIES | spoilt(good).map(lambda data: json.dumps(data).encode())


@contextmanager
def speaking(
    data: Callable[[], tuple[int, bytes]], token: Callable[[], tuple[int, bytes]]
) -> Iterator[tuple[Account, responses.RequestsMock]]:
    """Make an account of a cloud that says this."""
    time = FakeTime()
    logging.disable()  # or each example would tell of its own
    try:
        with (
            responses.RequestsMock(assert_all_requests_are_fired=False) as web,
            Transport(version="1", monotonic=time.monotonic, sleep=time.sleep) as transport,
        ):
            for url in (NEW_TOKEN, OLD_TOKEN):
                web.add_callback("POST", url, lambda _: (token()[0], {}, token()[1]))
            anything = re.compile(rf"{API}/Api/v(?!2/Auth).*")
            for method in ("GET", "POST"):
                web.add_callback(method, anything, lambda _: (data()[0], {}, data()[1]))
            holder = MemoryHolder()
            credentials = Credentials(CLIENT_ID, SECRET)
            tokens = TokenSource(transport, credentials, holder, Hosts(API, LOGIN))
            yield Account(transport, tokens, holder, now=time.now), web
            assert len(web.calls) <= MOST_REQUESTS
            assert time.passed < 600
    finally:
        logging.disable(logging.NOTSET)


def good_token() -> tuple[int, bytes]:
    return 200, json.dumps(GRANT).encode()


@given(STATUSES, bodies(GRANT) | bodies(DENIAL))
def test_the_token_endpoints_may_say_anything(status: int, body: bytes) -> None:
    with (
        speaking(lambda: (200, b'{"Data": null}'), lambda: (status, body)) as (account, _),
        suppress(CloudError),
    ):
        assert account.inverters() == ()


@given(STATUSES, bodies(NODES))
def test_the_list_of_inverters_may_be_anything(status: int, body: bytes) -> None:
    with (
        speaking(lambda: (status, body), good_token) as (account, _),
        suppress(CloudError),
    ):
        found = account.inverters()
        assert all(one.serial for one in found)
        assert len({one.serial for one in found}) == len(found)


@given(STATUSES, bodies(MULTIPLE) | bodies({"Data": reading(A)}))
def test_readings_may_be_anything(status: int, body: bytes) -> None:
    with (
        speaking(lambda: (status, body), good_token) as (account, _),
        suppress(CloudError),
    ):
        for batch in account.batches(SERIALS):
            outcomes = account.dynamic(batch, 45)
            assert outcomes.keys() == set(batch)
            assert all(isinstance(one, Dynamic | CloudError) for one in outcomes.values())


@given(STATUSES, bodies(MULTIPLE))
def test_readings_of_the_past_may_be_anything(status: int, body: bytes) -> None:
    since, until = START.replace(minute=0), START.replace(minute=59)
    with (
        speaking(lambda: (status, body), good_token) as (account, _),
        suppress(CloudError),
    ):
        moments = [one.timestamp for one in account.history(A, since, until)]
        assert moments == sorted(set(moments))
        assert all(since <= moment < until for moment in moments)


@given(STATUSES, bodies(STATIC))
def test_static_data_may_be_anything(status: int, body: bytes) -> None:
    with (
        speaking(lambda: (status, body), good_token) as (account, _),
        suppress(CloudError),
    ):
        assert isinstance(account.static(A), Static)


@given(STATUSES, bodies(CONFIGURATIONS))
def test_configurations_may_be_anything(status: int, body: bytes) -> None:
    with (
        speaking(lambda: (status, body), good_token) as (account, _),
        suppress(CloudError),
    ):
        outcomes = account.configurations(SERIALS)
        assert outcomes.keys() == set(SERIALS)
        assert all(isinstance(one, Configuration | CloudError) for one in outcomes.values())


def _is_proper(data: object) -> bool:
    """Tell whether it is JSON in the strict sense; else no element can be told from another."""
    try:
        msgspec.json.decode(json.dumps(data))
    except msgspec.DecodeError:
        return False
    return True


@given(JSON.filter(_is_proper))
def test_what_one_element_is_costs_the_others_nothing(strange: object) -> None:
    elements = [reading(A), strange, reading(C)]
    body = json.dumps({"TotalCount": 3, "Data": elements}).encode()
    with speaking(lambda: (200, body), good_token) as (account, _):
        (batch,) = account.batches((A, C))
        outcomes = account.dynamic(batch, 45)
        assert all(isinstance(outcomes[serial], Dynamic) for serial in (A, C))


@given(st.sampled_from(["invalid_client", "unauthorized_client"]), JSON.filter(_is_proper))
def test_only_the_token_endpoints_own_words_are_taken_for_wrong_credentials(
    word: str, more: object
) -> None:
    denial = json.dumps({"error": word, "more": more}).encode()
    with (
        speaking(lambda: (200, b'{"Data": null}'), lambda: (401, denial)) as (account, _),
        pytest.raises(CredentialsError),
    ):
        account.inverters()
    with (
        speaking(lambda: (500, denial), good_token) as (account, _),
        pytest.raises(CloudError) as met,
    ):
        account.inverters()
    assert not isinstance(met.value, CredentialsError)


OPTIONS = {
    "client_id": "a",
    "credential": "b",
    "sites": [{"id": "S1", "name": "Home"}, {"id": "S2"}],
    "history_days": 7,
    "detailed_sensors": False,
    "log_level": "info",
}


@given(bodies(OPTIONS))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_options_may_be_anything(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "options.json"
    path.write_bytes(body)
    with suppress(OptionsError):
        assert isinstance(read(path), Options)


_PAGE = {"RB1": {"import_all_time_energy_kwh": {"value": 1.5, "at": "2026-03-02T01:02:03Z"}}}
_FORMER = {"RB1": [{"entity_id": "sensor.a", "attributes": {"unit": "kW"}, "lapsed": None}]}
_KEPT = {
    "names": {"RB1": {"name": "Redback", "base": "Redback"}},
    "inverters": [{"serial": "RB1", "site_id": "S1"}],
    "cloud": {},
}


@given(bodies(_PAGE) | bodies(_FORMER) | bodies(_KEPT))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_kept_may_be_anything_and_the_start_goes_on(tmp_path: Path, body: bytes) -> None:
    logging.disable()
    try:
        for name in ("counters.json", "entities.json", "memory.json"):
            (tmp_path / name).write_bytes(body)
        Memory(tmp_path / "memory.json").keep(inverters=())
        for ledger in (counters_ledger(tmp_path), entities_ledger(tmp_path)):
            ledger.page("RB1")
            ledger.write()
    finally:
        logging.disable(logging.NOTSET)
