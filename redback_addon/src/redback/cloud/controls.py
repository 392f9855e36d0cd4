"""Lists, creates and deletes schedules and operating envelopes (dossier 3.6, 3.7, 4.6, 4.7)."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from ..tracebacks import without_traceback
from .api import Answer, Api
from .durations import format_duration
from .errors import NotFoundError, OutcomeUnknownError, TransientError
from .models import DailySchedule, Envelope, Schedule, Schedules
from .transport import Deadline

_SCHEDULES = "/Api/v2/Schedule/By/SerialNumber"
_NEW_SCHEDULE = "/Api/v2/Schedule/Create/By/SerialNumber"
_ENVELOPES = "/Api/v2/OperatingEnvelope/By/Site"
_NEW_ENVELOPE = "/Api/v2/OperatingEnvelope/Create/By/Site"
_OLD_ENVELOPE = "/Api/v2/OperatingEnvelope/By/EventId"
_LIST_SECONDS = 20.0
_WRITE_SECONDS = 10.0
# The lists are seconds late.
_LOOK_SECONDS = 24.0
_LOOK_EVERY_SECONDS = 2.0
_SURELY_LISTED_SECONDS = 15.0

_T = TypeVar("_T")


class ControlsApi:
    """Asks for schedules and envelopes, and writes them; may be used from several threads.

    A write is never repeated blindly: if it is not known whether it was done, the list is read for
    a while, and only what is not there is written again. `seconds` is how long all of that may
    take.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def schedules(self, serial: str) -> Schedules:
        """Return what is scheduled for an inverter, by whomever."""
        return self._schedules(serial, self._api.transport.deadline(_LIST_SECONDS))

    def create_schedule(self, serial: str, schedule: Schedule, seconds: float) -> str:
        """Create a schedule, whose own id is not used, and return its id."""
        body = {
            "SerialNumber": serial,
            "UserNotes": schedule.notes,
            "StartTimeUtc": _moment(schedule.start),
            "Duration": format_duration(schedule.duration),
            "DesiredMode": {
                "InverterMode": schedule.mode,
                "ArgumentInWatts": int(schedule.power_w or 0),
            },
        }

        def write(deadline: Deadline) -> str:
            answer = self._write("POST", _NEW_SCHEDULE, deadline, body)
            found = answer.data.get("ScheduleId") if isinstance(answer.data, dict) else None
            if not isinstance(found, str) or not found:
                raise answer.broken("the answer contains no id")
            return found

        def find(deadline: Deadline) -> str | None:
            once = self._schedules(serial, deadline).once
            return next((one.schedule_id for one in once if one.is_like(schedule)), None)

        return self._surely(write, find, seconds)

    def delete_schedule(self, serial: str, schedule_id: str, seconds: float) -> None:
        """Delete a schedule; one that is not there is as good as deleted."""

        def is_gone(deadline: Deadline) -> bool | None:
            once = self._schedules(serial, deadline).once
            return True if all(one.schedule_id != schedule_id for one in once) else None

        self._delete(f"{_path(_SCHEDULES, serial)}/{quote(schedule_id, safe='')}", is_gone, seconds)

    def envelopes(self, site_id: str) -> tuple[Envelope, ...]:
        """Return the operating envelopes of a site, by whomever."""
        return self._envelopes(site_id, self._api.transport.deadline(_LIST_SECONDS))

    def create_envelope(self, site_id: str, envelope: Envelope, seconds: float) -> None:
        """Create an envelope; the limits that it does not have are left out."""
        body = {
            "SiteId": site_id,
            "EventId": envelope.event_id,
            "StartAtUtc": _moment(envelope.start),
            "EndAtUtc": _moment(envelope.end),
            **envelope.limits(),
        }

        def write(deadline: Deadline) -> bool:
            answer = self._write("POST", _NEW_ENVELOPE, deadline, body)
            if isinstance(answer.data, dict) and answer.data.get("ErrorMessage"):
                raise answer.refused("the cloud refuses this envelope")
            return True

        def find(deadline: Deadline) -> bool | None:
            listed = self._envelopes(site_id, deadline)
            return True if any(one.event_id == envelope.event_id for one in listed) else None

        self._surely(write, find, seconds)

    def delete_envelope(self, site_id: str, event_id: str, seconds: float) -> None:
        """Delete the envelopes with this event id; none is as good as deleted."""

        def is_gone(deadline: Deadline) -> bool | None:
            listed = self._envelopes(site_id, deadline)
            return True if all(one.event_id != event_id for one in listed) else None

        self._delete(_path(_OLD_ENVELOPE, event_id), is_gone, seconds)

    def _schedules(self, serial: str, deadline: Deadline) -> Schedules:
        answer = self._api.ask(_path(_SCHEDULES, serial), deadline, may_repeat=True)
        data = answer.data or {}
        if not isinstance(data, dict):
            raise answer.broken("the answer contains no schedules")
        listed = self._api.decoder.listed
        return Schedules(
            daily=listed(DailySchedule, data.get("DailySchedules")),
            once=listed(Schedule, data.get("Schedules")),
        )

    def _envelopes(self, site_id: str, deadline: Deadline) -> tuple[Envelope, ...]:
        answer = self._api.ask(_path(_ENVELOPES, site_id), deadline, may_repeat=True)
        return self._api.decoder.listed(Envelope, answer.elements())

    def _delete(
        self, path: str, is_gone: Callable[[Deadline], bool | None], seconds: float
    ) -> None:
        def write(deadline: Deadline) -> bool:
            with suppress(NotFoundError):
                self._write("DELETE", path, deadline)
            return True

        self._surely(write, is_gone, seconds)

    def _write(
        self, method: str, path: str, deadline: Deadline, body: Mapping[str, object] | None = None
    ) -> Answer:
        return self._api.ask(path, deadline, method=method, json=body, may_repeat=False)

    def _surely(
        self,
        write: Callable[[Deadline], _T],
        find: Callable[[Deadline], _T | None],
        seconds: float,
    ) -> _T:
        """Write, and if it is not known whether that was done, find out, or write again.

        Raises:
            OutcomeUnknownError: it cannot be known.
            CloudError: it was not done.
        """
        deadline = self._api.transport.deadline(seconds)
        try:
            return write(deadline.at_most(_WRITE_SECONDS))
        except OutcomeUnknownError as error:
            unknown = without_traceback(error)
        found, is_missing = self._look(find, deadline.at_most(_LOOK_SECONDS))
        if found is not None:
            return found
        if not is_missing or deadline.left() <= 0:
            raise unknown
        return write(deadline.at_most(_WRITE_SECONDS))

    def _look(
        self, find: Callable[[Deadline], _T | None], until: Deadline
    ) -> tuple[_T | None, bool]:
        """Read a list until what was written shows; return that, and whether it is surely missing.

        A list that was read too soon proves nothing.
        """
        transport, is_missing = self._api.transport, False
        began = transport.monotonic()
        while until.allows(_LOOK_EVERY_SECONDS):
            transport.sleep(_LOOK_EVERY_SECONDS)
            try:
                found = find(until)
            except TransientError:
                continue
            if found is not None:
                return found, False
            is_missing = transport.monotonic() - began >= _SURELY_LISTED_SECONDS
        return None, is_missing


def _path(base: str, name: str) -> str:
    return f"{base}/{quote(name, safe='')}"


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
