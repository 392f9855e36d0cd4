"""The operating envelope endpoints by site (dossier 3.7 and 4.7).

Groups and compliance reports are left out. The list is some seconds late. Of the limits that of the
export alone changes the day, from the next full minute on.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
from aiohttp import web

from . import payloads
from .calls import Call, endpoint, refusal
from .payloads import JSON
from .physics import Order
from .times import Moment, iso, next_minute
from .world import Account, Site, World

PATH = "/Api/v2/OperatingEnvelope"
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
    site_id: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope: whose, where, and what was asked for; `deleted` is None until then."""

    account: Account
    site: Site
    asked: CreateEnvelope
    created: float
    deleted: float | None = None
    is_network_level: bool = False

    @property
    def start(self) -> float:
        """When it begins, Unix seconds."""
        return self.asked.start_at_utc.timestamp()

    @property
    def end(self) -> float:
        """When it is over, Unix seconds."""
        return self.asked.end_at_utc.timestamp()

    @property
    def cap(self) -> Order | None:
        """The limit of the export, if it has one."""
        if self.asked.max_export_power_w is None:
            return None
        end = self.end if self.deleted is None else min(self.end, self.deleted)
        start = next_minute(max(self.start, self.created))
        return Order(start, next_minute(end), "", self.asked.max_export_power_w)


class Envelopes:
    """All envelopes, and the endpoints around them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._envelopes: list[Envelope] = []

    def routes(self) -> list[web.RouteDef]:
        """Return all endpoints of this module."""
        return [
            web.post(f"{PATH}/Create/By/Site", endpoint(self._create)),
            web.get(f"{PATH}/By/Site/{{id}}", endpoint(self._list)),
            web.get(f"{PATH}/By/EventId/{{id}}", endpoint(self._list_event)),
            web.delete(f"{PATH}/By/EventId/{{id}}", endpoint(self._delete)),
        ]

    def active(self, site_id: str, now: float) -> list[Envelope]:
        """Return the envelopes of a site that are neither over nor deleted."""
        of_site = (one for one in self._envelopes if one.site.site_id == site_id)
        return [one for one in of_site if one.deleted is None and one.end > now]

    def add_of_network(self, account: Account, asked: CreateEnvelope, now: float) -> None:
        """Make an envelope as an energy network does."""
        site = next(one for one in account.sites if one.site_id == asked.site_id)
        self._add(Envelope(account, site, asked, now, is_network_level=True), now)

    def lose(self, now: float) -> None:
        """Delete all, as if somebody else did."""
        self._envelopes = [replace(one, deleted=one.deleted or now) for one in self._envelopes]
        for one in self._envelopes:
            self._tell(one.site, now)

    def _add(self, envelope: Envelope, now: float) -> None:
        self._envelopes.append(envelope)
        self._tell(envelope.site, now)

    def _tell(self, site: Site, now: float) -> None:
        caps = [one.cap for one in self._envelopes if one.site is site and one.cap is not None]
        if self._world.limit_overlap == "last wins":
            caps.reverse()
        for inverter in site.inverters:
            inverter.plant.cap_export(
                caps, now, is_first_alone=self._world.limit_overlap != "lowest wins"
            )

    async def _create(self, call: Call) -> JSON:
        asked = await call.body(CreateEnvelope)
        if asked.end_at_utc <= asked.start_at_utc:
            raise refusal(web.HTTPBadRequest, "the end is not after the start")
        site = call.site(asked.site_id)
        if self._world.limit_overlap == "refused" and any(
            one.asked.start_at_utc < asked.end_at_utc and asked.start_at_utc < one.asked.end_at_utc
            for one in self.active(site.site_id, call.now)
        ):
            why = "there is another envelope at that time"
            return payloads.single({**_ids(site), "EventId": asked.event_id, "ErrorMessage": why})
        self._add(Envelope(call.account, site, asked, call.now), call.now)
        return payloads.single({**_ids(site), "EventId": asked.event_id, "ErrorMessage": None})

    async def _list(self, call: Call) -> JSON:
        site = call.site(call.request.match_info["id"])
        return self._listed(call, [one for one in self._envelopes if one.site is site])

    async def _list_event(self, call: Call) -> JSON:
        wanted, mine = call.request.match_info["id"], call.account
        return self._listed(
            call,
            [
                one
                for one in self._envelopes
                if one.account is mine and one.asked.event_id == wanted
            ],
        )

    def _listed(self, call: Call, envelopes: list[Envelope]) -> JSON:
        oldest = call.now - _past_seconds(call)
        late = call.now - self._world.listed_after
        return payloads.multiple(
            [
                _item(envelope, call.now)
                for envelope in envelopes
                if envelope.created <= late
                and (envelope.deleted is None or envelope.deleted > late)
                and envelope.end > oldest
            ]
        )

    async def _delete(self, call: Call) -> JSON:
        wanted = call.request.match_info["id"]
        meant = [
            one
            for one in self._envelopes
            if one.account is call.account and one.asked.event_id == wanted and not one.deleted
        ]
        if not meant:
            raise refusal(web.HTTPNotFound, "no such envelope")
        self._envelopes = [
            replace(one, deleted=call.now) if one in meant else one for one in self._envelopes
        ]
        for one in meant:
            self._tell(one.site, call.now)
        return payloads.single(data=True)


def _past_seconds(call: Call) -> float:
    """Return how long ago envelopes may have ended to be listed, at most seven days."""
    hours = call.request.query.get("pastHours", "0")
    if not hours.isdecimal():
        raise refusal(web.HTTPBadRequest, "pastHours is a whole number")
    return min(int(hours) * 3600.0, LISTED_FOR_SECONDS)


def _ids(site: Site) -> JSON:
    return {"SiteId": site.site_id, "Nmi": site.nmi}


def _item(envelope: Envelope, now: float) -> JSON:
    started, finished = now >= envelope.start, now >= envelope.end
    limits = msgspec.convert(envelope.asked, Limits, from_attributes=True)
    return {
        "EventId": envelope.asked.event_id,
        **_ids(envelope.site),
        "StartAtUtc": iso(envelope.start),
        "EndAtUtc": iso(envelope.end),
        **msgspec.to_builtins(limits),
        "IsNetworkLevel": envelope.is_network_level,
        "ReportedStartUtc": iso(envelope.start) if started else None,
        "ReportedFinishUtc": iso(envelope.end) if finished else None,
        "Status": "ReportFinished" if finished else "ReportStarted" if started else "Scheduled",
    }
