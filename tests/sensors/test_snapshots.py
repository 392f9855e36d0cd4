"""What Core is given for each known payload of the cloud: its states, against a snapshot.

The payloads are the dossier's, each with its source. What changes in a snapshot is shown entity by
entity, and `script/test tests/sensors/test_snapshots.py --snapshot-update` accepts it.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
import responses
from syrupy.assertion import SnapshotAssertion

from examples import payload
from fake_clock import FakeClock
from house import CREDENTIAL
from redback.environment import Environment
from redback.options import Options
from redback.service import Service
from simulator import CLIENT_ID
from standin.core import Core
from standin.states import State
from standin.supervisor import TOKEN, Supervisor

API, LOGIN = "https://api.example", "https://login.example"
_PAYLOADS = Path(__file__).parents[1] / "payloads/dossier"
_ATTRIBUTES = ("unit_of_measurement", "device_class", "state_class", "friendly_name")
# By the second each counter is believed; the third shows that what the second made has arrived.
_READINGS = 3

# Each reading, and the static data that it may come with; None: without any.
_CASES = [
    ("jj-dynamic-v221", None),
    ("jj-dynamic-v221", "jj-static"),
    ("jj-dynamic-v221", "inferred-static-battery-uncounted"),
    ("jj-dynamic-v221", "inferred-static-panelsize-null"),
    ("jj-dynamic-v221", "inferred-static-panelsize-zero"),
    ("cf-dynamic-v2", None),
    ("cf-dynamic-v2", "jj-static"),
    ("inferred-all-null", None),
    ("inferred-all-null", "jj-static"),
    ("inferred-battery-counters-null", "jj-static"),
    ("inferred-battery-power-null", "jj-static"),
    ("inferred-disabled-battery", None),
    ("inferred-disabled-battery", "jj-static"),
    ("inferred-no-battery-absent", None),
    ("inferred-no-battery-absent", "inferred-static-no-battery"),
    ("inferred-no-battery-empty", None),
    ("inferred-no-battery-empty", "inferred-static-no-battery"),
    ("inferred-no-battery-null", None),
    ("inferred-no-battery-null", "inferred-static-no-battery"),
    ("inferred-no-battery-object", None),
    ("inferred-no-battery-object", "inferred-static-no-battery"),
    ("inferred-no-panels-null", "inferred-static-no-panels"),
    ("inferred-no-panels-zero", "inferred-static-no-panels"),
    ("inferred-pv-null", "jj-static"),
]


# What both token endpoints say to credentials that are not good.
_REFUSALS = [
    ("token-new-400", "token-old-400"),
    ("token-new-401", "token-old-401"),
    ("token-new-expired", "token-old-401"),
]
_TOKEN = (200, {"token_type": "Bearer", "expires_in": 3599, "access_token": "t0k3n"})
_NOT_FOUND = (404, None)


def answer(name: str) -> tuple[int, Any]:
    """Return the status and the body of one of the dossier's payloads."""
    given = json.loads((_PAYLOADS / f"{name}.json").read_text())
    return given["status"], given["body"]


class Cloud:
    """Answers with one reading, at first as if it were minutes older, and what belongs to it."""

    def __init__(self, dynamic: str, static: str | None, refusals: Sequence[str] = ()) -> None:
        version = "v2" if "v2" in dynamic.split("-") else "v2.21"
        new, old = map(answer, refusals) if refusals else (_TOKEN, _NOT_FOUND)
        self._data: dict[str, object] = answer(dynamic)[1]["Data"]
        self._reading = (200, self._data)
        self._answers = {
            "/oauth2/v2.0/token": new,
            "/Auth/token": old,
            "/With/Nodes": answer("jj-nodes"),
            "/Static/": answer(static) if static else _NOT_FOUND,
            "/Configuration": (200, _multiple({"Data": payload("configuration")})),
            f"/{version}/EnergyData/Multiple/": self._reading,
            "/From/": (200, _multiple()),
        }
        self.stamp = datetime.fromisoformat(str(self._data["TimestampUtc"]))
        self._readings = 0

    def __call__(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        """Answer a request; what is not known is not found."""
        known = (one for part, one in self._answers.items() if part in str(request.url))
        status, body = found = next(known, _NOT_FOUND)
        if found is self._reading:
            body = _multiple(self._next_reading())
        return status, {}, json.dumps(body)

    def _next_reading(self) -> dict[str, object]:
        self._readings += 1
        stamp = self.stamp - timedelta(minutes=max(_READINGS - self._readings, 0))
        return self._data | {"TimestampUtc": stamp.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _multiple(*data: object) -> dict[str, object]:
    return {"TotalCount": len(data), "Data": data}


Serve = Callable[[Cloud, Callable[[], object]], Awaitable[None]]


@pytest.fixture
async def served(
    supervisor: Supervisor, session: aiohttp.ClientSession, tmp_path: Path
) -> AsyncIterator[Serve]:
    """Let the service run on a cloud until something is so, as a clock runs that is faster."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:

        async def serve(cloud: Cloud, is_so: Callable[[], object]) -> None:
            environment = Environment(
                TOKEN, supervisor.url, API, LOGIN, data=tmp_path, panel_port=0
            )
            options = Options(CLIENT_ID, CREDENTIAL, history_days=0, detailed_sensors=True)
            clock = FakeClock(cloud.stamp - timedelta(minutes=_READINGS - 1, seconds=-5))
            service = Service(environment, options, session, clock, lambda _: None)
            for method in ("GET", "POST"):
                web.add_callback(method, re.compile(".*"), cloud)
            tasks.create_task(service.run(stop))
            async with asyncio.timeout(30):
                while not is_so():
                    await clock.advance(1)
                    await asyncio.sleep(0.002)

        with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
            yield serve
            stop.set()


@pytest.fixture(autouse=True)
def house(place: Callable[[str], None]) -> None:
    place("Etc/UTC")


@pytest.mark.parametrize("names", _CASES, ids=lambda names: " with ".join(filter(None, names)))
async def test_core_is_given_just_these_states(
    names: tuple[str, str | None], served: Serve, core: Core, snapshot: SnapshotAssertion
) -> None:
    cloud = Cloud(*names)
    rest = _Rest()
    # What is asked for less often, as the configuration is, may come after the last reading.
    await served(cloud, lambda: _shows(core, cloud.stamp) and rest.has_come(map(_row, core.states)))
    assert sorted(map(_row, core.states)) == snapshot


@pytest.mark.parametrize("refusals", _REFUSALS, ids=" and ".join)
async def test_credentials_that_are_not_good_are_reported_and_make_no_state(
    refusals: tuple[str, str], served: Serve, core: Core
) -> None:
    await served(Cloud(*_CASES[1], refusals), lambda: list(core.notifications))
    assert [one.notification_id for one in core.notifications] == ["redback_credentials"]
    assert not list(core.states)


class _Rest:
    """Knows when nothing changes any more."""

    def __init__(self) -> None:
        self._before: list[str] = []
        self._since = 0.0

    def has_come(self, rows: Iterable[str]) -> bool:
        """Whether all was the same for a second."""
        now, found = asyncio.get_running_loop().time(), sorted(rows)
        if found != self._before:
            self._before, self._since = found, now
        return now - self._since >= 1.0


def _shows(core: Core, stamp: datetime) -> bool:
    state = core.states.get("sensor.redback_last_reading")
    return state is not None and state.state == stamp.isoformat()


def _row(state: State) -> str:
    attributes = dict(state.attributes)
    named = [attributes.pop(name, "") for name in _ATTRIBUTES]
    rest = json.dumps(attributes) if attributes else ""
    return " | ".join((state.entity_id, state.state, *named, rest)).rstrip(" |")
