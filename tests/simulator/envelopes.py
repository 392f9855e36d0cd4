"""The operating envelope endpoints by site (dossier 3.7 and 4.7); they do not change the day.

Groups and compliance reports are left out. What is created is listed only some seconds later.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from aiohttp import web

from . import payloads
from .calls import Call, endpoint, refusal
from .payloads import JSON
from .times import Moment, iso
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
    site_id: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope: whose, where, and what was asked for."""

    account: Account
    site: Site
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


class Envelopes:
    """All envelopes, and the endpoints around them."""

    def __init__(self) -> None:
        self._envelopes: list[Envelope] = []

    def routes(self) -> list[web.RouteDef]:
        """Return all endpoints of this module."""
        return [
            web.post(f"{PATH}/Create/By/Site", endpoint(self._create)),
            web.get(f"{PATH}/By/Site/{{id}}", endpoint(self._list)),
            web.delete(f"{PATH}/By/EventId/{{id}}", endpoint(self._delete)),
        ]

    async def _create(self, call: Call) -> JSON:
        try:
            asked = msgspec.convert(await call.body(), CreateEnvelope)
        except msgspec.ValidationError as error:
            raise refusal(web.HTTPBadRequest, str(error)) from None
        if asked.end_at_utc <= asked.start_at_utc:
            raise refusal(web.HTTPBadRequest, "the end is not after the start")
        site = call.site(asked.site_id)
        self._envelopes.append(Envelope(call.account, site, asked, call.now))
        return payloads.single({**_ids(site), "EventId": asked.event_id, "ErrorMessage": None})

    async def _list(self, call: Call) -> JSON:
        oldest = call.now - _past_seconds(call)
        site = call.site(call.request.match_info["id"])
        return payloads.multiple(
            [
                _item(envelope, call.now)
                for envelope in self._envelopes
                if envelope.site is site
                and call.now >= envelope.created + LISTED_AFTER_SECONDS
                and envelope.end > oldest
            ]
        )

    async def _delete(self, call: Call) -> JSON:
        wanted = call.request.match_info["id"]
        kept = [
            envelope
            for envelope in self._envelopes
            if envelope.account is not call.account or envelope.asked.event_id != wanted
        ]
        if len(kept) == len(self._envelopes):
            raise refusal(web.HTTPNotFound, "no such envelope")
        self._envelopes = kept
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
        "IsNetworkLevel": False,
        "ReportedStartUtc": iso(envelope.start) if started else None,
        "ReportedFinishUtc": iso(envelope.end) if finished else None,
        "Status": "ReportFinished" if finished else "ReportStarted" if started else "Scheduled",
    }
