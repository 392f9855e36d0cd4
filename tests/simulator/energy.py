"""The endpoints about sites and inverters (dossier 3.1 to 3.5)."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from . import payloads, spoil
from .calls import Call, endpoint, refusal
from .payloads import JSON
from .records import Record
from .times import from_compact
from .world import Inverter, Site

Shape = Callable[[Record, Site], JSON]

V2 = "/Api/v2/EnergyData"
V221 = "/Api/v2.21/EnergyData"
CONFIGURATION = "/Api/v2/Configuration"
MOST_PAGE_SIZE = 1000
MOST_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Addressing:
    """One of the three ways to name an inverter, and the paths that go with it.

    `{id}` stands for the id; the vendor's order of path segments follows no rule.
    """

    find: Callable[[Call, str], tuple[Site, Inverter]]
    static: str
    configuration: str
    multiple_configuration: str
    dynamic: str
    multiple_dynamic: str
    history: str
    before: str
    before_suffix: str = ""


BY_SITE = Addressing(
    find=Call.first_of_site,
    static="{id}/Static",
    configuration="{id}/Configuration",
    multiple_configuration="Multiple/Configuration",
    dynamic="{id}/Dynamic",
    multiple_dynamic="Multiple/Dynamic",
    history="{id}/Dynamic",
    before="{id}/Dynamic",
)
BY_NMI = Addressing(
    find=Call.first_of_nmi,
    static="{id}/StaticByNmi",
    configuration="{id}/ConfigurationByNmi",
    multiple_configuration="Multiple/ConfigurationByNmi",
    dynamic="{id}/DynamicByNmi",
    multiple_dynamic="Multiple/DynamicByNmi",
    history="{id}/DynamicByNmi",
    before="{id}/Dynamic",
    before_suffix="ByNmi",
)
BY_SERIAL = Addressing(
    find=Call.inverter,
    static="Static/BySerialNumber/{id}",
    configuration="Configuration/BySerialNumber/{id}",
    multiple_configuration="Multiple/BySerialNumber/Configuration",
    dynamic="Dynamic/BySerialNumber/{id}",
    multiple_dynamic="Multiple/BySerialNumber/Dynamic",
    history="{id}/Dynamic/BySerialNumber",
    before="{id}/Dynamic/BySerialNumber",
)


def routes() -> list[web.RouteDef]:
    """Return all endpoints of this module."""
    return [
        web.get("/Api/v2/Alive", endpoint(_alive)),
        web.get("/Api/v2/Example/Version", endpoint(_version)),
        web.get(V2, endpoint(_site_ids)),
        web.get(f"{V2}/With/Nodes", endpoint(_with_nodes)),
        web.get("/Api/v2/Site/SiteId/By/SerialNumber/{id}", endpoint(_site_id_by_serial)),
        web.get("/Api/v2/Site/SiteId/By/Nmi/{id}", endpoint(_site_id_by_nmi)),
        *_routes_of(BY_SITE),
        *_routes_of(BY_NMI),
        *_routes_of(BY_SERIAL),
        # Only these paths are known to exist in v2.21 (dossier 3.4).
        _get(f"{V221}/{BY_SITE.dynamic}", _dynamic, BY_SITE, payloads.dynamic_v221),
        _get(f"{V221}/{BY_SERIAL.dynamic}", _dynamic, BY_SERIAL, payloads.dynamic_v221),
        _post(f"{V221}/{BY_SERIAL.multiple_dynamic}", _many, BY_SERIAL, payloads.dynamic_v221),
        # And these need not.
        *_past(V221, BY_SERIAL, payloads.dynamic_v221),
    ]


def _routes_of(by: Addressing) -> Iterator[web.RouteDef]:
    v2, before = payloads.dynamic_v2, f"{V2}/{by.before}"
    latest = f"LatestBeforeUtc{by.before_suffix}/{{when}}/{{minutes}}"
    yield _get(f"{V2}/{by.static}", _static, by)
    yield _get(f"{CONFIGURATION}/{by.configuration}", _configuration, by)
    yield _post(f"{CONFIGURATION}/{by.multiple_configuration}", _configurations, by)
    yield _get(f"{V2}/{by.dynamic}", _dynamic, by, v2)
    yield _post(f"{V2}/{by.multiple_dynamic}", _many, by, v2)
    yield _get(f"{V2}/{by.history}/At/{{when}}", _at, by)
    yield _get(f"{before}/{latest}", _latest_before, by)
    yield from _past(V2, by, v2)


def _past(version: str, by: Addressing, shape: Shape) -> Iterator[web.RouteDef]:
    period = f"PeriodBeforeUtc{by.before_suffix}/{{when}}/{{minutes}}"
    yield _get(f"{version}/{by.history}/From/{{start}}/To/{{end}}", _between, by, shape)
    yield _get(f"{version}/{by.before}/{period}", _period_before, by, shape)


def _get(path: str, answer: Callable[..., Awaitable[JSON]], *given: object) -> web.RouteDef:
    return web.get(path, endpoint(partial(answer, *given)))


def _post(path: str, answer: Callable[..., Awaitable[JSON]], *given: object) -> web.RouteDef:
    return web.post(path, endpoint(partial(answer, *given)))


# Discovery


async def _alive(_: Call) -> str:
    return "OK"


async def _version(_: Call) -> JSON:
    return payloads.single(2.21)


async def _site_ids(call: Call) -> JSON:
    return payloads.paged([site.site_id for site in call.account.sites], *_page(call))


async def _with_nodes(call: Call) -> JSON:
    trees = [payloads.site_node(site, call.members(site)) for site in call.account.sites]
    return payloads.paged([spoil.tree(tree, call.struck) for tree in trees], *_page(call))


async def _site_id_by_serial(call: Call) -> JSON:
    return payloads.single(call.inverter(_id(call))[0].site_id)


async def _site_id_by_nmi(call: Call) -> JSON:
    return payloads.single(call.site_by_nmi(_id(call)).site_id)


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


async def _static(by: Addressing, call: Call) -> JSON:
    site, inverter = by.find(call, _id(call))
    # By site all inverters are listed, by NMI only the first (dossier 2.7).
    shown = call.members(site) if by is BY_SITE else (inverter,)
    data = payloads.static(site, shown, call.records(inverter).latest(), call.now)
    return payloads.single(spoil.data(data, call.struck, inverter.serial))


async def _configuration(by: Addressing, call: Call) -> JSON:
    site, inverter = by.find(call, _id(call))
    data = payloads.configuration(site, inverter)
    return payloads.single(spoil.data(data, call.struck, inverter.serial))


async def _configurations(by: Addressing, call: Call) -> JSON:
    return payloads.multiple([_element(by, call, name) for name in await call.ids()])


def _element(by: Addressing, call: Call, name: str) -> JSON:
    """Return one element of a Multiple configuration: data, or a message of our own invention."""
    try:
        site, inverter = by.find(call, name)
    except web.HTTPError:
        return {"Data": None, "ErrorMsg": "not found"}
    data = payloads.configuration(site, inverter)
    return {"Data": spoil.data(data, call.struck, inverter.serial), "ErrorMsg": None}


# Dynamic data, now


async def _dynamic(by: Addressing, shape: Shape, call: Call) -> JSON:
    site, inverter = by.find(call, _id(call))
    return _with_metadata(by, shape, call, site, call.records(inverter).latest())


async def _many(by: Addressing, shape: Shape, call: Call) -> JSON:
    """Return the latest records of many inverters, without the unknown, in an order of our own."""
    found = dict(_known(by, call, await call.ids()))
    shown = [
        _shown(shape, call, site, record)
        for inverter, site in sorted(found.items(), key=lambda pair: pair[0].serial[::-1])
        if (record := call.records(inverter).latest()) is not None
    ]
    return payloads.multiple(shown)


def _known(by: Addressing, call: Call, names: Iterable[str]) -> Iterator[tuple[Inverter, Site]]:
    for name in names:
        try:
            site, inverter = by.find(call, name)
        except web.HTTPError:
            continue
        yield inverter, site


def _shown(shape: Shape, call: Call, site: Site, record: Record) -> JSON:
    """Return a record as it is sent, spoilt by whatever goes wrong this time."""
    serials = [inverter.serial for inverter in call.members(site)]
    return spoil.reading(shape(record, site), call.struck, record.inverter.serial, serials)


def _with_metadata(
    by: Addressing, shape: Shape, call: Call, site: Site, record: Record | None
) -> JSON:
    """Return one record, with the links through time if asked; 404 if there is no record."""
    if record is None:
        raise refusal(web.HTTPNotFound, "no record")
    answer = payloads.single(_shown(shape, call, site, record))
    if call.request.query.get("metadata", "").lower() == "true":
        now, history = (f"{V2}/{path.format(id=_id(call))}" for path in (by.dynamic, by.history))
        answer["Metadata"] = payloads.time_travel(record.stamp, now, history)
    return answer


# Dynamic data, history


async def _at(by: Addressing, call: Call) -> JSON:
    """Answer with the record of exactly that second, else 404 (dossier 9, no. 3)."""
    site, inverter = by.find(call, _id(call))
    when = _when(call, "when")
    record = next(iter(call.records(inverter).between(when, when)), None)
    return _with_metadata(by, payloads.dynamic_v2, call, site, record)


async def _between(by: Addressing, shape: Shape, call: Call) -> JSON:
    """Answer with the records between two moments, both included, oldest first."""
    start, end = _when(call, "start"), _when(call, "end")
    if not 0 <= end - start <= MOST_MINUTES * 60:
        raise refusal(web.HTTPBadRequest, f"at most {MOST_MINUTES} minutes, first to last")
    return _listed(by, shape, call, start, end)


async def _period_before(by: Addressing, shape: Shape, call: Call) -> JSON:
    """Answer with the records of the minutes before a moment, which itself is excluded."""
    when, minutes = _when(call, "when"), _minutes(call)
    return _listed(by, shape, call, when - minutes * 60, when - 1)


async def _latest_before(by: Addressing, call: Call) -> JSON:
    site, inverter = by.find(call, _id(call))
    record = call.records(inverter).latest_before(_when(call, "when"), _minutes(call))
    return _with_metadata(by, payloads.dynamic_v2, call, site, record)


def _listed(by: Addressing, shape: Shape, call: Call, start: int, end: int) -> JSON:
    if shape is payloads.dynamic_v221 and not call.world.past_of_v221:
        raise refusal(web.HTTPNotFound, "no such endpoint")
    site, inverter = by.find(call, _id(call))
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
