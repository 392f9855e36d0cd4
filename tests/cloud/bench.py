"""What the tests of the cloud client work with: a time that stands still, and a small cloud."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import responses

from redback.cloud import CloudError, Dynamic, RedbackClient, RememberedHolder

API = "https://api.example"
LOGIN = "https://login.example"
NEW_TOKEN = f"{LOGIN}/fb46c16c-9144-45e0-87b7-f578abed629f/oauth2/v2.0/token"
OLD_TOKEN = f"{API}/Api/v2/Auth/token"
SCOPE = "api://f0ea23e1-8533-44ab-8592-509cff0774da/.default"
CLIENT_ID = "a client/id&more"
SECRET = "s3cr3t~+/=&% value"
START = datetime(2026, 3, 2, 1, 2, 8, tzinfo=UTC)

A, B, C, D = "RB26030100000011", "RB26030100000012", "RB26030100000021", "RB26030100000022"

Answer = tuple[int, dict[str, str], str]


class FakeTime:
    """Wall and monotonic time; whoever sleeps makes it pass."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return 5000.0 + self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    def pass_(self, **duration: float) -> None:
        self.passed += timedelta(**duration).total_seconds()


def answer(data: object, status: int = 200, **headers: str) -> Answer:
    """Make an HTTP answer of JSON."""
    return (
        status,
        {name.replace("_", "-"): text for name, text in headers.items()},
        json.dumps(data),
    )


def grant(token: object = None, **more: object) -> Answer:
    """Make what a token endpoint says to good credentials."""
    given = "t0k3n-1" if token is None else token
    return answer({"token_type": "Bearer", "expires_in": 3599, "access_token": given} | more)


def denial(error: str, status: int) -> Answer:
    """Make what a token endpoint says to bad credentials."""
    return answer({"error": error, "error_description": f"{error}: {SECRET}"}, status)


def tree(**sites: Iterable[str]) -> Answer:
    """Make the list of an account's sites and their inverters."""
    roots = [
        {"Id": site, "Type": "Site", "Nodes": [{"Id": one, "Type": "Inverter"} for one in serials]}
        for site, serials in sites.items()
    ]
    return answer({"TotalCount": len(roots), "Data": roots})


def reading(serial: str | None, *more: str, **fields: object) -> dict[str, Any]:
    """Make a reading as the API sends it; it lists the given inverters."""
    listed = [{"SerialNumber": one} for one in (serial, *more) if one is not None]
    return {
        "TimestampUtc": "2026-03-02T01:02:03Z",
        "SiteId": None,
        "PvPowerInstantaneouskW": 3.0,
        "Status": "OK",
        "Inverters": listed,
    } | fields


def kinds(outcomes: Mapping[str, object]) -> dict[str, type[object]]:
    return {serial: type(outcome) for serial, outcome in outcomes.items()}


_ROUTES = {
    re.escape(NEW_TOKEN): "new token",
    re.escape(OLD_TOKEN.removeprefix(API)): "old token",
    r"/Api/v2\.21/EnergyData/Multiple/BySerialNumber/Dynamic": "v2.21 multiple",
    r"/Api/v2\.21/EnergyData/Dynamic/BySerialNumber/(.+)": "v2.21 single",
    r"/Api/v2/EnergyData/Multiple/BySerialNumber/Dynamic": "v2 multiple",
    r"/Api/v2/EnergyData/Dynamic/BySerialNumber/(.+)": "v2 single",
    r"/Api/v2/Configuration/Multiple/BySerialNumber/Configuration": "configuration multiple",
    r"/Api/v2/Configuration/Configuration/BySerialNumber/(.+)": "configuration single",
    r"/Api/v2/EnergyData/Static/BySerialNumber/(.+)": "static",
    r"/Api/v2/EnergyData/With/Nodes": "nodes",
    r"/Api/v2\.21/EnergyData/(.+)/Dynamic/BySerialNumber/From/.+/To/.+": "v2.21 between",
    r"/Api/v2/EnergyData/(.+)/Dynamic/BySerialNumber/From/.+/To/.+": "v2 between",
    r"/Api/v2\.21/EnergyData/(.+)/Dynamic/BySerialNumber/PeriodBeforeUtc/.+": "v2.21 before",
    r"/Api/v2/EnergyData/(.+)/Dynamic/BySerialNumber/PeriodBeforeUtc/.+": "v2 before",
}


ROUTES = [*_ROUTES.values()]


def understand(request: requests.PreparedRequest) -> tuple[str, list[str]]:
    """Return the route of a request, and the serial numbers that it is about."""
    path = (request.url or "").removeprefix(API).partition("?")[0]
    for pattern, route in _ROUTES.items():
        if (match := re.fullmatch(pattern, path)) is not None:
            is_list = request.headers.get("Content-Type") == "application/json"
            return route, json.loads(request.body or "") if is_list else list(match.groups())
    raise AssertionError(path)


@dataclass
class FakeCloud:
    """The data endpoints, with an HTTP status as fault by route and serial number (None for all).

    A Multiple request that contains an inverter with a fault fails as a whole; the answer to
    another leaves out those of `left_out`. `answers` makes the body of a route in another way. What
    was asked is kept as routes and serial numbers, beside the Authorization headers of `tokens`.
    `refused` is a status by Authorization header, whatever is asked for.
    """

    faults: dict[tuple[str, str | None], int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    answers: dict[str, Callable[[list[str]], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    queries: list[Mapping[str, str]] = field(default_factory=list)

    def __call__(self, request: requests.PreparedRequest) -> Answer:
        authorization = request.headers.get("Authorization")
        self.tokens.append(authorization)
        route, serials = understand(request)
        _, _, query = (request.url or "").partition("?")
        self.queries.append(dict(pair.split("=") for pair in query.split("&") if pair))
        self.asked.append((route, tuple(serials)))
        if authorization in self.refused:
            return answer({"Message": "no"}, self.refused[authorization])
        for serial in (None, *serials):
            if (status := self.faults.get((route, serial))) is not None:
                return answer({"Message": "no"}, status)
        if route in self.answers:
            return self.answers[route](serials)
        if route == "nodes":
            return answer({"TotalCount": 0, "Data": []})
        make = _configuration if route.startswith("configuration") else reading
        if route.endswith("multiple"):
            found = [make(serial) for serial in serials if serial not in self.left_out]
            wrapped = [{"Data": one, "ErrorMsg": None} for one in found]
            elements = wrapped if route.startswith("configuration") else found
            return answer({"TotalCount": len(elements), "Data": elements})
        return answer({"Data": make(serials[0])})

    def take(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the requests since the last time."""
        asked, self.asked = self.asked, []
        return asked


@dataclass
class Cloud(FakeCloud):
    """The same cloud, and an account that asks it; time passes only for those who sleep."""

    web: responses.RequestsMock = field(kw_only=True)
    time: FakeTime = field(kw_only=True)
    remembered: RememberedHolder = field(kw_only=True)
    client: RedbackClient = field(kw_only=True)

    def read(self, *serials: str) -> dict[str, Dynamic | CloudError]:
        """Read inverters as the service does: batch by batch."""
        outcomes: dict[str, Dynamic | CloudError] = {}
        for batch in self.client.batches(serials):
            outcomes |= self.client.dynamic(batch, 45)
        assert outcomes.keys() == set(serials)
        return outcomes

    def routes(self) -> dict[str, str]:
        """Return the remembered routes."""
        return {serial: one.route for serial, one in self.remembered.current.routes.items()}


def _configuration(serial: str) -> dict[str, Any]:
    return {"SerialNumber": serial, "SiteId": "S1", "MinSoC0to1": 0.2, "SystemType": "Hybrid"}
