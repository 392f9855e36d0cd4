"""The simulator's own endpoints below `/_simulator/`: faults, truth and the journal.

- `POST faults` with a `Fault` as JSON (or a list of them) answers `{"ids": [1]}`; `GET faults`
  lists what is switched on by id; `DELETE faults` clears all, `DELETE faults/1` one.
- `GET truth/{serial}?at=2026-03-02T01:02:03Z` answers `{"Data": <v2.21 record>}`, the newest at
  or before that moment (now, if left out), whether the cloud shows it yet or not.
- `GET requests` is the journal, `DELETE requests` clears it.
- `GET world` lists accounts (without secrets), sites and serials.
"""

import time
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from . import payloads
from .calls import json_response, refusal
from .faults import Fault
from .journal import Journal
from .payloads import JSON
from .records import Records
from .world import World

PREFIX = "/_simulator"


def truth(world: World, serial: str, at: float) -> JSON | None:
    """Return the v2.21 record of an inverter at or before `at` (Unix seconds), if there is one."""
    inverter, owner = world.inverter(serial), world.owner(serial)
    if inverter is None or owner is None:
        return None
    record = Records(inverter, world.faults, at).truth(at)
    return payloads.dynamic_v221(record, owner[1]) if record else None


class Control:
    """The handlers, around one world and one journal."""

    def __init__(self, world: World, journal: Journal) -> None:
        self._world = world
        self._journal = journal

    def routes(self) -> list[web.RouteDef]:
        """Return all endpoints of this module."""
        return [
            web.get(f"{PREFIX}/faults", self._list_faults),
            web.post(f"{PREFIX}/faults", self._add_faults),
            web.delete(f"{PREFIX}/faults", self._clear_faults),
            web.delete(f"{PREFIX}/faults/{{number}}", self._clear_faults),
            web.get(f"{PREFIX}/truth/{{serial}}", self._truth),
            web.get(f"{PREFIX}/requests", self._list_requests),
            web.delete(f"{PREFIX}/requests", self._clear_requests),
            web.get(f"{PREFIX}/world", self._show_world),
        ]

    async def _list_faults(self, _: web.Request) -> web.Response:
        active = self._world.faults.active
        return json_response({str(number): fault for number, fault in active.items()})

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            given = msgspec.json.decode(await request.read(), type=list[Fault] | Fault)
        except msgspec.DecodeError as error:
            raise refusal(web.HTTPBadRequest, str(error)) from None
        faults = given if isinstance(given, list) else [given]
        return json_response({"ids": [self._world.faults.add(fault) for fault in faults]})

    async def _clear_faults(self, request: web.Request) -> web.Response:
        number = request.match_info.get("number", "")
        self._world.faults.clear(int(number) if number.isdecimal() else None)
        return json_response({})

    async def _truth(self, request: web.Request) -> web.Response:
        record = truth(self._world, request.match_info["serial"], _moment(request))
        if record is None:
            raise refusal(web.HTTPNotFound, "no such record")
        return json_response(payloads.single(record))

    async def _list_requests(self, _: web.Request) -> web.Response:
        return json_response(self._journal.as_json())

    async def _clear_requests(self, _: web.Request) -> web.Response:
        self._journal.clear()
        return json_response({})

    async def _show_world(self, _: web.Request) -> web.Response:
        return json_response(
            {
                "commissioned": self._world.commissioned.isoformat(),
                "accounts": [
                    {
                        "client_id": account.client_id,
                        "sites": {
                            site.site_id: [inverter.serial for inverter in site.inverters]
                            for site in account.sites
                        },
                    }
                    for account in self._world.accounts
                ],
            }
        )


def _moment(request: web.Request) -> float:
    """Return `at` of the query in Unix seconds (a time without zone is UTC), else now."""
    text = request.query.get("at")
    if text is None:
        return time.time()
    try:
        # A plus sign that nobody encoded arrives as a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise refusal(web.HTTPBadRequest, "at is an ISO 8601 time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
