"""The schedule endpoints by serial number (dossier 3.6 and 4.6), and what inverters do by them.

What is created works from the next full minute on, and what is deleted ends there, but the list
says so only some seconds later.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import msgspec
from aiohttp import web

from . import payloads
from .calls import Call, endpoint, refusal
from .payloads import JSON
from .physics import Order
from .times import Moment, iso, next_minute, span, to_span
from .world import Inverter, World

PATH = "/Api/v2/Schedule/By/SerialNumber/{id}"
CREATE = "/Api/v2/Schedule/Create/By/SerialNumber"

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
    """One schedule of one inverter; times in Unix seconds, `deleted` is None until then."""

    schedule_id: str
    inverter: Inverter
    notes: str | None
    start: float
    duration: timedelta
    mode: DesiredMode
    created: float
    deleted: float | None = None

    @property
    def end(self) -> float:
        """When it is over."""
        over = self.start + self.duration.total_seconds()
        return over if self.deleted is None else min(over, self.deleted)

    @property
    def order(self) -> Order:
        """What the inverter does, and when."""
        start = next_minute(max(self.start, self.created))
        return Order(
            start,
            max(next_minute(self.end), start),
            self.mode.inverter_mode,
            self.mode.argument_in_watts or 0,
        )


class Schedules:
    """All schedules, and the endpoints around them; `daily` are listed by serial number."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._schedules: dict[str, Schedule] = {}
        self.daily: dict[str, list[JSON]] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return all endpoints of this module."""
        return [
            web.get(PATH, endpoint(self._list)),
            web.delete(f"{PATH}/{{schedule}}", endpoint(self._delete)),
            web.post(CREATE, endpoint(self._create)),
            web.post(f"{CREATE}/", endpoint(self._create)),
        ]

    def active(self, serial: str, now: float) -> list[Schedule]:
        """Return the schedules of an inverter that are neither over nor deleted, oldest first."""
        of_inverter = (one for one in self._schedules.values() if one.inverter.serial == serial)
        return [one for one in of_inverter if one.deleted is None and one.end > now]

    def add(
        self,
        serial: str,
        mode: Mode,
        watts: int,
        *,
        start: float,
        minutes: float,
        now: float,
        notes: str | None = None,
    ) -> str:
        """Make a schedule as somebody else does, and return its id."""
        inverter = self._world.inverter(serial)
        assert inverter is not None
        wanted = DesiredMode(mode, watts)
        schedule_id = str(uuid.uuid4())
        self._schedules[schedule_id] = Schedule(
            schedule_id, inverter, notes, start, timedelta(minutes=minutes), wanted, now
        )
        self._tell(inverter, now)
        return schedule_id

    def lose(self, now: float) -> None:
        """Delete all, as if somebody else did."""
        for key, one in self._schedules.items():
            self._schedules[key] = replace(one, deleted=one.deleted or now)
            self._tell(one.inverter, now)

    async def _create(self, call: Call) -> JSON:
        new = await call.body(CreateSchedule)
        try:
            duration = to_span(new.duration)
        except ValueError as error:
            raise refusal(web.HTTPBadRequest, str(error)) from None
        _, inverter = call.inverter(new.serial_number)
        if inverter.family.system_type is None:
            raise refusal(web.HTTPBadRequest, "this inverter has no schedules")
        start = new.start_time_utc.timestamp()
        end = start + duration.total_seconds()
        if self._world.overlap == "refused" and any(
            one.start < end and start < one.end for one in self.active(inverter.serial, call.now)
        ):
            raise refusal(web.HTTPBadRequest, "there is another schedule at that time")
        mode = new.desired_mode
        schedule_id = self.add(
            inverter.serial,
            mode.inverter_mode,
            mode.argument_in_watts or 0,
            start=start,
            minutes=duration.total_seconds() / 60,
            now=call.now,
            notes=new.user_notes,
        )
        return payloads.single({"ScheduleId": schedule_id})

    async def _list(self, call: Call) -> JSON:
        site, inverter = call.inverter(call.request.match_info["id"])
        stale = call.request.query.get("includeStale", "").lower() == "true"
        late = call.now - self._world.listed_after
        listed = [
            _item(one, site.site_id)
            for one in self._schedules.values()
            if one.inverter is inverter
            and one.created <= late
            and (one.deleted is None or one.deleted > late)
            and (stale or one.start + one.duration.total_seconds() > call.now)
        ]
        daily = self.daily.get(inverter.serial, [])
        return payloads.single({"DailySchedules": daily, "Schedules": listed})

    async def _delete(self, call: Call) -> JSON:
        schedule = self._one(call)
        self._schedules[schedule.schedule_id] = replace(schedule, deleted=call.now)
        self._tell(schedule.inverter, call.now)
        return payloads.single(data=True)

    def _one(self, call: Call) -> Schedule:
        """Return the schedule of the path; 404 if that inverter has none of this id."""
        _, inverter = call.inverter(call.request.match_info["id"])
        schedule = self._schedules.get(call.request.match_info["schedule"].lower())
        if schedule is None or schedule.inverter is not inverter or schedule.deleted is not None:
            raise refusal(web.HTTPNotFound, "no such schedule")
        return schedule

    def _tell(self, inverter: Inverter, now: float) -> None:
        orders = [one.order for one in self._schedules.values() if one.inverter is inverter]
        first = self._world.overlap == "first wins"
        inverter.plant.obey(orders if first else orders[::-1], now)


def _item(schedule: Schedule, site_id: str) -> JSON:
    return {
        "ScheduleId": schedule.schedule_id,
        "SiteId": site_id,
        "SerialNumber": schedule.inverter.serial,
        "UserNotes": schedule.notes,
        "StartTimeUtc": iso(schedule.start),
        "Duration": span(schedule.duration),
        "DesiredMode": msgspec.to_builtins(schedule.mode),
    }
