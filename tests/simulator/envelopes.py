"""The operating envelope endpoints (dossier 3.7 and 4.7), in memory; they do not change the day.

Compliance reports are left out. What is created is listed only some seconds later.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web

from . import payloads
from .calls import Call, endpoint, refusal
from .faults import Moment
from .payloads import JSON
from .times import iso
from .world import Account, Site

PATH = "/Api/v2/OperatingEnvelope"
LISTED_AFTER_SECONDS = 3.0
LISTED_FOR_SECONDS = 7 * 24 * 3600.0


class Limits(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """The five limits of an envelope; None is no limit."""

    max_import_power_w: int | None = None
    max_export_power_w: int | None = None
    max_discharge_power_w: int | None = None
    max_charge_power_w: int | None = None
    max_generation_power_va: int | None = msgspec.field(default=None, name="MaxGenerationPowerVA")


class CreateEnvelope(Limits, frozen=True, rename="pascal", kw_only=True):
    """The body of a create call."""

    start_at_utc: Moment
    end_at_utc: Moment
    event_id: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    site_id: str | None = None
    nmi: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope: whose, where (a site, or None for a group), and what was asked for."""

    account: Account
    site: Site | None
    asked: CreateEnvelope
    created: float

    @property
    def start(self) -> float:
        """When it begins, Unix seconds."""
        return self.asked.start_at_utc.timestamp()

    @property
    def end(self) -> float:
        """When it is over, Unix seconds."""
        return self.asked.end_at_utc.timestamp()


def _of_site(call: Call, new: CreateEnvelope) -> Site | None:
    return call.site(new.site_id or "")


def _of_nmi(call: Call, new: CreateEnvelope) -> Site | None:
    return call.site_by_nmi(new.nmi or "")


def _of_group(_: Call, new: CreateEnvelope) -> Site | None:
    if not new.group:
        raise refusal(web.HTTPBadRequest, "Group is missing")
    return None


class Envelopes:
    """All envelopes, and the endpoints around them."""

    def __init__(self) -> None:
        self._envelopes: list[Envelope] = []

    def routes(self) -> Iterator[web.RouteDef]:
        """Return all endpoints of this module."""
        for path, where in (
            ("Create/By/Site", _of_site),
            ("Create/By/Nmi", _of_nmi),
            ("Add/By/Group", _of_group),
        ):
            yield web.post(f"{PATH}/{path}", endpoint(partial(self._create, where)))
        for name, where in (("Site", _of_site), ("Nmi", _of_nmi)):
            path = f"{PATH}/Create/Multiple/By/{name}"
            yield web.post(path, endpoint(partial(self._create_many, where)))
        for name, chosen in _CHOSEN.items():
            yield web.get(f"{PATH}/By/{name}/{{id}}", endpoint(partial(self._list, chosen)))
        yield web.delete(f"{PATH}/By/EventId/{{id}}", endpoint(self._delete))
        yield web.delete(f"{PATH}/All", endpoint(self._delete_all))

    async def _create(
        self, where: Callable[[Call, CreateEnvelope], Site | None], call: Call
    ) -> JSON:
        return payloads.single(self._add(where, call, await call.body()))

    async def _create_many(
        self, where: Callable[[Call, CreateEnvelope], Site | None], call: Call
    ) -> JSON:
        """Create what can be created; the others get a message, and the answer is always 200."""
        body = await call.body()
        if not isinstance(body, list):
            raise refusal(web.HTTPBadRequest, "the body is not a list")
        return payloads.multiple([self._try_to_add(where, call, one) for one in body])

    def _try_to_add(
        self, where: Callable[[Call, CreateEnvelope], Site | None], call: Call, body: object
    ) -> JSON:
        try:
            return self._add(where, call, body)
        except web.HTTPError as error:
            given = body if isinstance(body, dict) else {}
            ids = {name: given.get(name) for name in ("SiteId", "Nmi", "EventId")}
            return {**ids, "ErrorMessage": error.text}

    def _add(
        self, where: Callable[[Call, CreateEnvelope], Site | None], call: Call, body: object
    ) -> JSON:
        try:
            asked = msgspec.convert(body, CreateEnvelope)
        except msgspec.ValidationError as error:
            raise refusal(web.HTTPBadRequest, str(error)) from None
        if asked.end_at_utc <= asked.start_at_utc:
            raise refusal(web.HTTPBadRequest, "the end is not after the start")
        site = where(call, asked)
        self._envelopes.append(Envelope(call.account, site, asked, call.now))
        return {**_ids(site), "EventId": asked.event_id, "ErrorMessage": None}

    async def _list(self, chosen: Callable[[Call, Envelope, str], bool], call: Call) -> JSON:
        oldest = call.now - _past_seconds(call)
        wanted = call.request.match_info["id"]
        return payloads.multiple(
            [
                _item(envelope, call.now)
                for envelope in self._envelopes
                if envelope.account is call.account
                and chosen(call, envelope, wanted)
                and call.now >= envelope.created + LISTED_AFTER_SECONDS
                and envelope.end > oldest
            ]
        )

    async def _delete(self, call: Call) -> JSON:
        wanted = call.request.match_info["id"]
        others = [
            envelope
            for envelope in self._envelopes
            if envelope.account is not call.account or envelope.asked.event_id != wanted
        ]
        if len(others) == len(self._envelopes):
            raise refusal(web.HTTPNotFound, "no such envelope")
        self._envelopes = others
        return payloads.single(data=True)

    async def _delete_all(self, call: Call) -> JSON:
        """Delete every envelope of the account, whatever the site, as the API does."""
        self._envelopes = [one for one in self._envelopes if one.account is not call.account]
        return payloads.single(data=True)


def _at_site(call: Call, envelope: Envelope, site_id: str) -> bool:
    return envelope.site is call.site(site_id)


def _at_nmi(call: Call, envelope: Envelope, nmi: str) -> bool:
    return envelope.site is call.site_by_nmi(nmi)


def _in_group(_: Call, envelope: Envelope, group: str) -> bool:
    return envelope.asked.group == group


def _of_event(_: Call, envelope: Envelope, event_id: str) -> bool:
    return envelope.asked.event_id == event_id


_CHOSEN: dict[str, Callable[[Call, Envelope, str], bool]] = {
    "Site": _at_site,
    "Nmi": _at_nmi,
    "Group": _in_group,
    "EventId": _of_event,
}


def _past_seconds(call: Call) -> float:
    """Return how long ago envelopes may have ended to be listed, at most seven days."""
    hours = call.request.query.get("pastHours", "0")
    if not hours.isdecimal():
        raise refusal(web.HTTPBadRequest, "pastHours is a whole number")
    return min(int(hours) * 3600.0, LISTED_FOR_SECONDS)


def _ids(site: Site | None) -> JSON:
    return {"SiteId": site.site_id if site else None, "Nmi": site.nmi if site else None}


def _item(envelope: Envelope, now: float) -> JSON:
    started, finished = now >= envelope.start, now >= envelope.end
    limits = msgspec.convert(envelope.asked, Limits, from_attributes=True)
    return {
        "EventId": envelope.asked.event_id,
        **_ids(envelope.site),
        "StartAtUtc": iso(envelope.start),
        "EndAtUtc": iso(envelope.end),
        **msgspec.to_builtins(limits),
        "IsNetworkLevel": False,
        "ReportedStartUtc": iso(envelope.start) if started else None,
        "ReportedFinishUtc": iso(envelope.end) if finished else None,
        "Status": "ReportFinished" if finished else "ReportStarted" if started else "Scheduled",
    }
