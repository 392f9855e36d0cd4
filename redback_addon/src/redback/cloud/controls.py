"""Lists, creates and deletes schedules and operating envelopes (dossier 3.6, 3.7, 4.6, 4.7)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from ..tracebacks import without_traceback
from .api import Answer, Api
from .durations import format_duration
from .errors import (
    CloudError,
    NotFoundError,
    OutcomeUnknownError,
    RequestError,
    TransientError,
)
from .models import DailySchedule, Envelope, Envelopes, Schedule, Schedules
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
_S = TypeVar("_S", bound=msgspec.Struct)


class ControlsApi:
    """Asks for schedules and envelopes, and writes them; may be used from several threads.

    A write is never repeated blindly: if it is not known whether it was done, the list is read for
    a while, and only what is not there is written again. `seconds` is how long all of that may
    take.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def schedules(self, serial: str, seconds: float = _LIST_SECONDS) -> Schedules:
        """Return what is scheduled for an inverter, by whomever."""
        answer = self._schedules(serial, self._for_list(seconds))
        once, unread = self._listed(Schedule, answer, answer.data.get("Schedules"))
        daily = self._api.decoder.listed(DailySchedule, answer.data.get("DailySchedules"))
        return Schedules(daily=daily, once=once, unread=unread)

    def create_schedule(
        self, serial: str, schedule: Schedule, seconds: float, *, known: Collection[str] = ()
    ) -> str:
        """Create a schedule, whose own id is not used, and return its id.

        `known` are ids of others that are there already, however much alike they are.
        """
        _quoted(serial, "POST", _NEW_SCHEDULE)
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
            found = self._find_schedule(
                serial,
                lambda one: one.is_like(schedule) and one.schedule_id not in known,
                deadline,
            )
            return None if found is None else found.schedule_id

        return self._surely(write, find, seconds)

    def delete_schedule(self, serial: str, schedule_id: str, seconds: float) -> None:
        """Delete a schedule; one that is not there is as good as deleted."""
        self._delete(
            _path("DELETE", _SCHEDULES, serial, schedule_id),
            lambda deadline: self._find_schedule(
                serial, lambda one: one.schedule_id == schedule_id, deadline
            ),
            seconds,
        )

    def envelopes(self, site_id: str, seconds: float = _LIST_SECONDS) -> Envelopes:
        """Return the operating envelopes of a site, by whomever."""
        return self._read(self._envelopes(site_id, self._for_list(seconds)))

    def envelopes_of_event(self, event_id: str, seconds: float = _LIST_SECONDS) -> Envelopes:
        """Return the operating envelopes with an event id, of whichever site, by whomever."""
        path = _path("GET", _OLD_ENVELOPE, event_id)
        return self._read(self._api.ask(path, self._for_list(seconds), may_repeat=True))

    def create_envelope(self, site_id: str, envelope: Envelope, seconds: float) -> None:
        """Create an envelope; the limits that it does not have are left out."""
        _quoted(site_id, "POST", _NEW_ENVELOPE)
        _quoted(envelope.event_id or "", "POST", _NEW_ENVELOPE)
        body = {
            "SiteId": site_id,
            "EventId": envelope.event_id,
            "StartAtUtc": _moment(envelope.start),
            "EndAtUtc": _moment(envelope.end),
            **envelope.limits(),
        }

        def write(deadline: Deadline) -> bool:
            answer = self._write("POST", _NEW_ENVELOPE, deadline, body)
            if not isinstance(answer.data, dict):
                raise answer.broken("the answer does not say that this was done")
            if answer.data.get("ErrorMessage"):
                raise answer.refused("the cloud refuses this envelope")
            return True

        def find(deadline: Deadline) -> bool | None:
            found = self._find_envelope(site_id, lambda one: one.is_like(envelope), deadline)
            return None if found is None else True

        self._surely(write, find, seconds)

    def delete_envelope(self, site_id: str, event_id: str, seconds: float) -> None:
        """Delete the envelopes with this event id; none is as good as deleted."""
        self._delete(
            _path("DELETE", _OLD_ENVELOPE, event_id),
            lambda deadline: self._find_envelope(
                site_id, lambda one: one.event_id == event_id and one.has_effect, deadline
            ),
            seconds,
        )

    def _for_list(self, seconds: float) -> Deadline:
        return self._api.transport.deadline(min(seconds, _LIST_SECONDS))

    def _schedules(self, serial: str, deadline: Deadline) -> Answer:
        answer = self._api.ask(_path("GET", _SCHEDULES, serial), deadline, may_repeat=True)
        data = answer.data or {}
        if not isinstance(data, dict):
            raise answer.broken("the answer contains no schedules")
        return replace(answer, data=data)

    def _envelopes(self, site_id: str, deadline: Deadline) -> Answer:
        return self._api.ask(_path("GET", _ENVELOPES, site_id), deadline, may_repeat=True)

    def _find_schedule(
        self, serial: str, is_meant: Callable[[Schedule], bool], deadline: Deadline
    ) -> Schedule | None:
        answer = self._schedules(serial, deadline)
        return self._first(Schedule, is_meant, answer, answer.data.get("Schedules"))

    def _find_envelope(
        self, site_id: str, is_meant: Callable[[Envelope], bool], deadline: Deadline
    ) -> Envelope | None:
        answer = self._envelopes(site_id, deadline)
        return self._first(Envelope, is_meant, answer, answer.data)

    def _read(self, answer: Answer) -> Envelopes:
        listed, unread = self._listed(Envelope, answer, answer.data)
        return Envelopes(all=listed, unread=unread)

    def _first(
        self, kind: type[_S], is_meant: Callable[[_S], bool], answer: Answer, data: object
    ) -> _S | None:
        """Return the first one that is meant; None if there is none.

        Raises:
            TransientError: there is none in what can be read, but that is not the whole list.
        """
        listed, unread = self._listed(kind, answer, data)
        found = next((one for one in listed if is_meant(one)), None)
        if found is None and unread != 0:
            raise answer.broken("the answer contains no whole list")
        return found

    def _listed(
        self, kind: type[_S], answer: Answer, data: object
    ) -> tuple[tuple[_S, ...], int | None]:
        """Return what can be read of a list, and how many more there are; None = no list came."""
        if data is None:
            return (), None
        if not isinstance(data, list):
            raise answer.broken("the answer contains no list")
        listed = self._api.decoder.listed(kind, data)
        return listed, max(len(data), answer.total_count or 0) - len(listed)

    def _delete(self, path: str, find: Callable[[Deadline], object | None], seconds: float) -> None:
        monotonic = self._api.transport.monotonic
        # What was made just now may not be listed yet; but then the cloud would find it.
        began, is_telling = monotonic(), False

        def is_gone(deadline: Deadline) -> bool | None:
            nonlocal is_telling
            is_sure = is_telling or monotonic() - began >= _SURELY_LISTED_SECONDS
            is_listed = find(deadline) is not None
            is_telling |= is_listed
            return True if is_sure and not is_listed else None

        def write(deadline: Deadline) -> bool:
            nonlocal is_telling
            try:
                answer = self._write("DELETE", path, deadline)
            except NotFoundError as error:
                is_telling = True
                try:
                    if find(deadline) is None:
                        return True
                except CloudError:
                    pass
                raise OutcomeUnknownError(
                    "the cloud does not find this, and may list it",
                    method=error.method,
                    url=error.url,
                    status=error.status,
                ) from None
            if answer.data is False:
                raise answer.refused("the cloud does not delete this")
            if answer.data is not True:
                raise answer.broken("the answer does not say that this was done")
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
        try:
            return write(deadline.at_most(_WRITE_SECONDS))
        except RequestError:
            # Because it is there already, though it was not listed?
            raise unknown from None

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
            asked = transport.monotonic()
            try:
                found = find(until)
            except TransientError:
                continue
            except CloudError:
                return None, False
            if found is not None:
                return found, False
            is_missing = asked - began >= _SURELY_LISTED_SECONDS
        return None, is_missing


def _path(method: str, base: str, *names: str) -> str:
    return "/".join([base, *(_quoted(name, method, base) for name in names)])


def _quoted(name: str, method: str, base: str) -> str:
    """Return a name as part of a path; raise a RequestError for one that leads to others."""
    if not name.strip(" ."):
        raise RequestError("an id is missing", method=method, url=base)
    return quote(name, safe="")


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
