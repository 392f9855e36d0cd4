"""The schedule endpoints (dossier 3.6 and 4.6), in memory; they do not change the plant's day.

What is created works at once, but is listed only some seconds later.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal

import msgspec
from aiohttp import web

from . import payloads
from .calls import Call, endpoint, refusal
from .faults import Moment
from .payloads import JSON
from .times import iso, span, to_span
from .world import Inverter, Site

PATH = "/Api/v2/Schedule"
LISTED_AFTER_SECONDS = 3.0

Mode = Literal[
    "Auto",
    "ChargeBattery",
    "DischargeBattery",
    "ImportPower",
    "ExportPower",
    "Conserve",
    "Offgrid",
    "Hibernate",
    "BuyPower",
    "SellPower",
    "ForceChargeBattery",
    "ForceDischargeBattery",
]


class DesiredMode(msgspec.Struct, frozen=True, rename="pascal"):
    """What the inverter is to do, with a power in W."""

    inverter_mode: Mode
    argument_in_watts: int | None = None


class CreateSchedule(msgspec.Struct, frozen=True, rename="pascal"):
    """The body of a create call; one of the three ids says for whom."""

    start_time_utc: Moment
    duration: str
    desired_mode: DesiredMode
    user_notes: str | None = None
    site_id: str | None = None
    nmi: str | None = None
    serial_number: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule of one inverter; times in Unix seconds."""

    schedule_id: str
    site: Site
    inverter: Inverter
    notes: str | None
    start: float
    duration: timedelta
    mode: DesiredMode
    created: float

    @property
    def end(self) -> float:
        """When it is over."""
        return self.start + self.duration.total_seconds()


@dataclass(frozen=True, slots=True)
class Addressing:
    """One of the three ways to say for which inverter: path, body member, and what lists add."""

    path: str
    find: Callable[[Call, str], tuple[Site, Inverter]]
    wanted: Callable[[CreateSchedule], str | None]
    added: Callable[[Schedule], JSON]


BY_SITE = Addressing("Site", Call.first_of_site, lambda new: new.site_id, lambda _: {})
BY_NMI = Addressing(
    "Nmi", Call.first_of_nmi, lambda new: new.nmi, lambda schedule: {"Nmi": schedule.site.nmi}
)
BY_SERIAL = Addressing(
    "SerialNumber",
    Call.inverter,
    lambda new: new.serial_number,
    lambda schedule: {"SerialNumber": schedule.inverter.serial},
)


class Schedules:
    """All schedules, and the endpoints around them."""

    def __init__(self) -> None:
        self._schedules: dict[str, Schedule] = {}

    def routes(self) -> Iterator[web.RouteDef]:
        """Return all endpoints of this module."""
        for by in (BY_SITE, BY_NMI, BY_SERIAL):
            one = f"{PATH}/By/{by.path}/{{id}}"
            create = endpoint(partial(self._create, by))
            path = f"{PATH}/Create" + ("" if by is BY_SITE else f"/By/{by.path}")
            yield web.get(one, endpoint(partial(self._list, by)))
            yield web.get(f"{one}/{{schedule}}", endpoint(partial(self._show, by)))
            yield web.delete(f"{one}/{{schedule}}", endpoint(partial(self._delete, by)))
            yield web.post(path, create)
            yield web.post(f"{path}/", create)

    async def _create(self, by: Addressing, call: Call) -> JSON:
        try:
            new = msgspec.convert(await call.body(), CreateSchedule)
            duration = to_span(new.duration)
        except ValueError as error:
            raise refusal(web.HTTPBadRequest, str(error)) from None
        site, inverter = by.find(call, by.wanted(new) or "")
        if inverter.family.system_type is None:
            raise refusal(web.HTTPBadRequest, "this inverter has no schedules")
        schedule = Schedule(
            schedule_id=str(uuid.uuid4()),
            site=site,
            inverter=inverter,
            notes=new.user_notes,
            start=new.start_time_utc.timestamp(),
            duration=duration,
            mode=new.desired_mode,
            created=call.now,
        )
        self._schedules[schedule.schedule_id] = schedule
        return payloads.single({"ScheduleId": schedule.schedule_id})

    async def _list(self, by: Addressing, call: Call) -> JSON:
        _, inverter = by.find(call, call.request.match_info["id"])
        stale = call.request.query.get("includeStale", "").lower() == "true"
        listed = [
            _item(by, schedule)
            for schedule in self._schedules.values()
            if schedule.inverter is inverter
            and call.now >= schedule.created + LISTED_AFTER_SECONDS
            and (stale or schedule.end > call.now)
        ]
        return payloads.single({"DailySchedules": [], "Schedules": listed})

    async def _show(self, by: Addressing, call: Call) -> JSON:
        return payloads.single(_item(by, self._one(by, call)))

    async def _delete(self, by: Addressing, call: Call) -> JSON:
        del self._schedules[self._one(by, call).schedule_id]
        return payloads.single(data=True)

    def _one(self, by: Addressing, call: Call) -> Schedule:
        """Return the schedule of the path; 404 if that inverter has none of this id."""
        _, inverter = by.find(call, call.request.match_info["id"])
        schedule = self._schedules.get(call.request.match_info["schedule"].lower())
        if schedule is None or schedule.inverter is not inverter:
            raise refusal(web.HTTPNotFound, "no such schedule")
        return schedule


def _item(by: Addressing, schedule: Schedule) -> JSON:
    return {
        "ScheduleId": schedule.schedule_id,
        "SiteId": schedule.site.site_id,
        **by.added(schedule),
        "UserNotes": schedule.notes,
        "StartTimeUtc": iso(schedule.start),
        "Duration": span(schedule.duration),
        "DesiredMode": msgspec.to_builtins(schedule.mode),
    }
