"""What every data endpoint starts from: who asks, when, what goes wrong, and which inverter."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

import msgspec
from aiohttp import web

from .faults import Kind, Struck
from .records import Records
from .world import Account, Inverter, Site, World

WORLD = web.AppKey("world", World)
STRUCK = web.RequestKey("struck", Struck)
ACCOUNT = web.RequestKey("account", Account)

MOST_IDS = 100

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a data endpoint: who asks, at which moment, and what goes wrong this time."""

    request: web.Request
    world: World
    account: Account
    struck: Struck
    now: float

    def records(self, inverter: Inverter) -> Records:
        """Return what the cloud has of an inverter at this moment."""
        return Records(inverter, self.world.faults, self.now)

    def members(self, site: Site) -> tuple[Inverter, ...]:
        """Return the inverters of a site, with the one installed later if that has happened."""
        return (*site.inverters, site.spare) if self._extended(site) else site.inverters

    def inverter(self, serial: str) -> tuple[Site, Inverter]:
        """Return an inverter of the caller's and its site; 404 if there is none, else 403."""
        owner, inverter = self.world.owner(serial), self.world.inverter(serial)
        if owner is None or inverter is None or inverter not in self.members(owner[1]):
            raise refusal(web.HTTPNotFound, f"no inverter {serial}")
        if owner[1] not in self.account.sites or self.struck.first(Kind.FORBIDDEN, serial):
            raise refusal(web.HTTPForbidden, f"no access to {serial}")
        return owner[1], inverter

    def site(self, site_id: str) -> Site:
        """Return a site of the caller's by its id; 404 if there is none, 403 if not theirs."""
        for account in (self.account, *self.world.accounts):
            for site in account.sites:
                if site.site_id == site_id:
                    if account is self.account:
                        return site
                    raise refusal(web.HTTPForbidden, f"no access to {site_id}")
        raise refusal(web.HTTPNotFound, f"no site {site_id}")

    async def body(self, kind: type[_T]) -> _T:
        """Return the JSON that was sent; 400 if it is none, or not of this kind."""
        try:
            return msgspec.json.decode(await self.request.read(), type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise refusal(web.HTTPBadRequest, f"{error}") from None

    async def ids(self) -> list[str]:
        """Return the ids that a Multiple call asks for; 400 if they are none or too many."""
        body = await self.body(list[str])
        if not 0 < len(body) <= MOST_IDS:
            raise refusal(web.HTTPBadRequest, f"1 to {MOST_IDS} ids may be asked for")
        return body

    def _extended(self, site: Site) -> bool:
        """Whether the fault "extra inverter" means this site: its own, else the first."""
        return any(
            site.site_id in self.world.names(fault.serial)
            if fault.serial
            else site is self.account.sites[0]
            for fault in self.world.faults.standing(Kind.EXTRA_INVERTER)
            if fault.client_id in {None, self.account.client_id}
        )


def endpoint(
    answer: Callable[[Call], Awaitable[object]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make a handler of a function that turns a call into something to send as JSON."""

    @wraps(answer)
    async def handle(request: web.Request) -> web.Response:
        call = Call(
            request=request,
            world=request.app[WORLD],
            account=request[ACCOUNT],
            struck=request[STRUCK],
            now=time.time(),
        )
        return json_response(await answer(call))

    return handle


def json_response(data: object, status: int = 200) -> web.Response:
    """Return data as a JSON answer."""
    return web.Response(
        body=msgspec.json.encode(data), status=status, content_type="application/json"
    )


def refusal(kind: type[web.HTTPError], sentence: str) -> web.HTTPError:
    """Return an error to raise; its body is JSON, in a shape of our own (dossier 9, no. 1)."""
    return kind(
        text=msgspec.json.encode({"Message": sentence}).decode(), content_type="application/json"
    )
