"""The endpoints about sites and inverters (dossier 3.1 to 3.5).

What can be asked by site, by NMI and by serial number can be asked here by serial number alone,
as the add-on does.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from aiohttp import web

from . import payloads, spoil
from .calls import Call, endpoint, refusal
from .faults import Kind
from .payloads import JSON
from .records import Record
from .times import from_compact
from .world import Inverter, Site

Shape = Callable[[Record, Site], JSON]

V2 = "/Api/v2/EnergyData"
V221 = "/Api/v2.21/EnergyData"
CONFIGURATION = "/Api/v2/Configuration"
BY_SERIAL = "BySerialNumber"
MOST_PAGE_SIZE = 1000
MOST_MINUTES = 60


def routes() -> list[web.RouteDef]:
    """Return all endpoints of this module."""
    return [
        web.get(f"{V2}/With/Nodes", endpoint(_with_nodes)),
        web.get(f"{V2}/Static/{BY_SERIAL}/{{id}}", endpoint(_static)),
        web.get(f"{CONFIGURATION}/Configuration/{BY_SERIAL}/{{id}}", endpoint(_configuration)),
        web.post(f"{CONFIGURATION}/Multiple/{BY_SERIAL}/Configuration", endpoint(_configurations)),
        *_readings(V2, payloads.dynamic_v2),
        *_readings(V221, payloads.dynamic_v221),
    ]


def _readings(version: str, shape: Shape) -> Iterator[web.RouteDef]:
    past = f"{version}/{{id}}/Dynamic/{BY_SERIAL}"
    yield web.get(f"{version}/Dynamic/{BY_SERIAL}/{{id}}", endpoint(partial(_dynamic, shape)))
    yield web.post(f"{version}/Multiple/{BY_SERIAL}/Dynamic", endpoint(partial(_many, shape)))
    yield web.get(f"{past}/From/{{start}}/To/{{end}}", endpoint(partial(_between, shape)))
    yield web.get(
        f"{past}/PeriodBeforeUtc/{{when}}/{{minutes}}", endpoint(partial(_period_before, shape))
    )


# Discovery


async def _with_nodes(call: Call) -> JSON:
    sites = () if call.struck.first(Kind.NO_INVERTERS) else call.account.sites
    nodes = [payloads.site_node(site, call.members(site)) for site in sites]
    return payloads.paged(nodes, *_page(call))


def _page(call: Call) -> tuple[int, int]:
    """Return page and page size as asked for; 400 if they are impossible."""
    query = call.request.query
    try:
        page, size = int(query.get("page", "0")), int(query.get("pageSize", "100"))
    except ValueError:
        raise refusal(web.HTTPBadRequest, "page and pageSize are whole numbers") from None
    if page < 0 or not 1 <= size <= MOST_PAGE_SIZE:
        raise refusal(web.HTTPBadRequest, f"pageSize is 1 to {MOST_PAGE_SIZE}")
    return page, size


# Static data and configuration


async def _static(call: Call) -> JSON:
    site, inverter = call.inverter(_id(call))
    data = payloads.static(site, inverter, call.records(inverter).latest(), call.now)
    return payloads.single(spoil.data(data, call.struck, inverter.serial))


async def _configuration(call: Call) -> JSON:
    site, inverter = call.inverter(_id(call))
    data = payloads.configuration(site, inverter)
    return payloads.single(spoil.data(data, call.struck, inverter.serial))


async def _configurations(call: Call) -> JSON:
    return payloads.multiple([_element(call, name) for name in await call.ids()])


def _element(call: Call, name: str) -> JSON:
    """Return one element of a Multiple configuration: data, or a message of our own invention."""
    try:
        site, inverter = call.inverter(name)
    except web.HTTPError:
        return {"Data": None, "ErrorMsg": "not found"}
    data = payloads.configuration(site, inverter)
    return {"Data": spoil.data(data, call.struck, inverter.serial), "ErrorMsg": None}


# Dynamic data, now


async def _dynamic(shape: Shape, call: Call) -> JSON:
    site, inverter = call.inverter(_id(call))
    record = call.records(inverter).latest()
    if record is None:
        raise refusal(web.HTTPNotFound, "no record")
    return payloads.single(_shown(shape, call, site, record))


async def _many(shape: Shape, call: Call) -> JSON:
    """Return the latest records of many inverters, without the unknown, in an order of our own."""
    found = dict(_known(call, await call.ids()))
    shown = [
        _shown(shape, call, site, record)
        for inverter, site in sorted(found.items(), key=lambda pair: pair[0].serial[::-1])
        if (record := call.records(inverter).latest()) is not None
    ]
    return payloads.multiple(shown)


def _known(call: Call, names: Iterable[str]) -> Iterator[tuple[Inverter, Site]]:
    for name in names:
        try:
            site, inverter = call.inverter(name)
        except web.HTTPError:
            continue
        yield inverter, site


def _shown(shape: Shape, call: Call, site: Site, record: Record) -> JSON:
    """Return a record as it is sent, spoilt by whatever goes wrong this time."""
    return spoil.reading(shape(record, site), call.struck, record.inverter.serial)


# Dynamic data, history


async def _between(shape: Shape, call: Call) -> JSON:
    """Answer with the records between two moments, both included, oldest first."""
    start, end = _when(call, "start"), _when(call, "end")
    if not 0 <= end - start <= MOST_MINUTES * 60:
        raise refusal(web.HTTPBadRequest, f"at most {MOST_MINUTES} minutes, first to last")
    return _listed(shape, call, start, end)


async def _period_before(shape: Shape, call: Call) -> JSON:
    """Answer with the records of the minutes before a moment, which itself is excluded."""
    when, minutes = _when(call, "when"), _minutes(call)
    return _listed(shape, call, when - minutes * 60, when - 1)


def _listed(shape: Shape, call: Call, start: int, end: int) -> JSON:
    if shape is payloads.dynamic_v221 and not call.world.past_of_v221:
        raise refusal(web.HTTPNotFound, "no such endpoint")
    site, inverter = call.inverter(_id(call))
    records = call.records(inverter).between(start, end)
    return payloads.multiple([_shown(shape, call, site, record) for record in records])


def _id(call: Call) -> str:
    return call.request.match_info["id"]


def _when(call: Call, name: str) -> int:
    """Return a moment of the path in Unix seconds; 400 if it is written in another way."""
    try:
        return from_compact(call.request.match_info[name])
    except ValueError:
        raise refusal(web.HTTPBadRequest, "a time is written yyyyMMddTHHmmssZ") from None


def _minutes(call: Call) -> int:
    """Return the minutes of the path; 400 unless 1 to 60."""
    text = call.request.match_info["minutes"]
    if not text.isdecimal() or not 1 <= int(text) <= MOST_MINUTES:
        raise refusal(web.HTTPBadRequest, f"minutes are 1 to {MOST_MINUTES}")
    return int(text)
