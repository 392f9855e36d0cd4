"""The schedule endpoints by serial number (dossier 3.6 and 4.6); they do not change the day.

What is created works at once, but is listed only some seconds later.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import msgspec
from aiohttp import web

from . import payloads
from .calls import Call, endpoint, refusal
from .payloads import JSON
from .times import Moment, iso, span, to_span
from .world import Inverter, Site

PATH = "/Api/v2/Schedule/By/SerialNumber/{id}"
CREATE = "/Api/v2/Schedule/Create/By/SerialNumber"
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
    """The body of a create call."""

    start_time_utc: Moment
    duration: str
    desired_mode: DesiredMode
    serial_number: str
    user_notes: str | None = None


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


class Schedules:
    """All schedules, and the endpoints around them."""

    def __init__(self) -> None:
        self._schedules: dict[str, Schedule] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return all endpoints of this module."""
        return [
            web.get(PATH, endpoint(self._list)),
            web.delete(f"{PATH}/{{schedule}}", endpoint(self._delete)),
            web.post(CREATE, endpoint(self._create)),
            web.post(f"{CREATE}/", endpoint(self._create)),
        ]

    async def _create(self, call: Call) -> JSON:
        try:
            new = msgspec.convert(await call.body(), CreateSchedule)
            duration = to_span(new.duration)
        except ValueError as error:
            raise refusal(web.HTTPBadRequest, str(error)) from None
        site, inverter = call.inverter(new.serial_number)
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

    async def _list(self, call: Call) -> JSON:
        _, inverter = call.inverter(call.request.match_info["id"])
        stale = call.request.query.get("includeStale", "").lower() == "true"
        listed = [
            _item(schedule)
            for schedule in self._schedules.values()
            if schedule.inverter is inverter
            and call.now >= schedule.created + LISTED_AFTER_SECONDS
            and (stale or schedule.end > call.now)
        ]
        return payloads.single({"DailySchedules": [], "Schedules": listed})

    async def _delete(self, call: Call) -> JSON:
        del self._schedules[self._one(call).schedule_id]
        return payloads.single(data=True)

    def _one(self, call: Call) -> Schedule:
        """Return the schedule of the path; 404 if that inverter has none of this id."""
        _, inverter = call.inverter(call.request.match_info["id"])
        schedule = self._schedules.get(call.request.match_info["schedule"].lower())
        if schedule is None or schedule.inverter is not inverter:
            raise refusal(web.HTTPNotFound, "no such schedule")
        return schedule


def _item(schedule: Schedule) -> JSON:
    return {
        "ScheduleId": schedule.schedule_id,
        "SiteId": schedule.site.site_id,
        "SerialNumber": schedule.inverter.serial,
        "UserNotes": schedule.notes,
        "StartTimeUtc": iso(schedule.start),
        "Duration": span(schedule.duration),
        "DesiredMode": msgspec.to_builtins(schedule.mode),
    }
