"""Schedules and envelopes: how they are read, and that no write is repeated blindly."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import requests

from cloud.bench import API, A, Answer, Cloud, answer
from redback.cloud import (
    ControlsApi,
    Envelope,
    OutcomeUnknownError,
    RequestError,
    Schedule,
    TransientError,
)

START = datetime(2026, 3, 2, 1, 2, 8, tzinfo=UTC)
WANTED = Schedule(
    schedule_id="",
    start=START,
    duration=timedelta(hours=1),
    mode="ChargeBattery",
    power_w=3000,
    notes="Home Assistant",
)
LIMIT = Envelope(event_id="ha-1", start=START, end=START + timedelta(hours=1), max_export_w=0)
LIST, NEW = "GET schedules", "POST schedules"


class Written:
    """Schedules and envelopes of a cloud that may fail before and after it has written.

    `plan` has how each write goes: "done", "lost" (502, not done), "cut" (502, but done), "refused"
    (400), "not found" (404), "no" (false), "empty" (null, not done). A list shows what was written
    `late` seconds ago, and `others`; it takes `slow` seconds, and has the status that is next in
    `list_plan`.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.time = cloud.time
        self.plan: list[str] = []
        self.late = 3.0
        self.slow = 0.0
        self.is_list_broken = False
        self.list_plan: list[int] = []
        self.others: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.items: list[tuple[float, dict[str, Any]]] = []
        self.gone: list[tuple[float, str]] = []
        for method in ("GET", "POST", "DELETE"):
            cloud.web.add_callback(
                method, re.compile(rf"{API}/Api/v2/(Schedule|OperatingEnvelope)/.*"), self
            )

    def __call__(self, request: requests.PreparedRequest) -> Answer:
        path = (request.url or "").removeprefix(f"{API}/Api/v2/")
        kind = "schedules" if path.startswith("Schedule") else "envelopes"
        self.asked.append(f"{request.method} {kind}")
        if request.method == "GET":
            return self._list(kind)
        way = self.plan.pop(0) if self.plan else "done"
        if way == "refused":
            return answer({"Message": "no"}, 400)
        if way == "not found":
            return answer({"Message": "no"}, 404)
        if way in {"no", "empty"}:
            return answer({"Data": False if way == "no" else None})
        made: object = True
        if way != "lost":
            made = self._delete(path) if request.method == "DELETE" else self._make(request)
        return answer({"Data": made}, 200 if way == "done" else 502)

    def _make(self, request: requests.PreparedRequest) -> object:
        body = json.loads(request.body or "")
        self.bodies.append(body)
        number = f"id-{len(self.bodies)}"
        self.items.append((self.time.passed, body | {"ScheduleId": number}))
        return {"ScheduleId": number}

    def _delete(self, path: str) -> object:
        self.gone.append((self.time.passed, path.rsplit("/", 1)[1]))
        return True

    def _list(self, kind: str) -> Answer:
        if self.is_list_broken:
            return answer({}, 503)
        if self.list_plan and (status := self.list_plan.pop(0)) != 200:
            return answer({}, status)
        until = self.time.passed - self.late
        gone = [number for when, number in self.gone if when <= until]
        seen = [item for when, item in self.items if when <= until]
        listed = [one for one in seen if {one["ScheduleId"], one.get("EventId")}.isdisjoint(gone)]
        start = "StartTimeUtc" if kind == "schedules" else "StartAtUtc"
        listed = [*self.others, *(one for one in listed if start in one)]
        self.time.pass_(seconds=self.slow)
        return answer({"Data": {"Schedules": listed} if kind == "schedules" else listed})


@pytest.fixture
def written(cloud: Cloud) -> Written:
    return Written(cloud)


@pytest.fixture
def controls(cloud: Cloud) -> ControlsApi:
    return cloud.client.controls


def test_a_schedule_is_created_with_what_the_cloud_needs_and_no_more(
    written: Written, controls: ControlsApi
) -> None:
    assert controls.create_schedule(A, WANTED, 40) == "id-1"
    assert written.bodies == [
        {
            "SerialNumber": A,
            "UserNotes": "Home Assistant",
            "StartTimeUtc": "2026-03-02T01:02:08Z",
            "Duration": "0.01:00:00",
            "DesiredMode": {"InverterMode": "ChargeBattery", "ArgumentInWatts": 3000},
        }
    ]
    assert written.asked == [NEW]


def test_limits_that_are_not_wanted_stay_out_of_an_envelope(
    written: Written, controls: ControlsApi
) -> None:
    controls.create_envelope("S1", LIMIT, 40)
    assert written.bodies[0].keys() == {
        "SiteId",
        "EventId",
        "StartAtUtc",
        "EndAtUtc",
        "MaxExportPowerW",
    }


Write = Callable[[ControlsApi], object]
CREATES: list[Write] = [
    lambda controls: controls.create_schedule(A, WANTED, 40),
    lambda controls: controls.create_envelope("S1", LIMIT, 40),
]


@pytest.mark.parametrize("create", CREATES)
def test_what_was_made_although_the_answer_was_lost_is_not_made_again(
    written: Written, controls: ControlsApi, create: Write
) -> None:
    written.plan = ["cut"]
    create(controls)
    assert len(written.items) == 1


@pytest.mark.parametrize("create", CREATES)
def test_what_was_lost_is_made_again_once_the_list_proves_it(
    written: Written, controls: ControlsApi, create: Write
) -> None:
    written.plan = ["lost"]
    create(controls)
    assert len(written.items) == 1
    assert 15 <= written.time.passed <= 30


@pytest.mark.parametrize("create", CREATES)
def test_without_a_list_nothing_is_made_again(
    written: Written, controls: ControlsApi, create: Write
) -> None:
    written.plan, written.is_list_broken = ["lost"], True
    with pytest.raises(OutcomeUnknownError):
        create(controls)
    assert sum(one.startswith("POST") for one in written.asked) == 1


@pytest.mark.parametrize("create", CREATES)
def test_a_refusal_is_final(written: Written, controls: ControlsApi, create: Write) -> None:
    written.plan = ["refused"]
    with pytest.raises(RequestError):
        create(controls)
    assert len(written.asked) == 1


def test_an_answer_comes_in_time_whatever_happens(written: Written, controls: ControlsApi) -> None:
    written.plan, written.late = ["lost", "lost"], 3
    with pytest.raises(OutcomeUnknownError):
        controls.create_schedule(A, WANTED, 40)
    assert written.time.passed <= 40


@pytest.mark.parametrize("way", ["done", "cut", "lost"])
def test_a_delete_is_sure_too(written: Written, controls: ControlsApi, way: str) -> None:
    number = controls.create_schedule(A, WANTED, 40)
    controls.create_envelope("S1", LIMIT, 40)
    written.time.pass_(seconds=10)
    written.plan = [way]
    controls.delete_schedule(A, number, 40)
    written.plan = [way]
    controls.delete_envelope("S1", "ha-1", 40)
    assert [name for _, name in written.gone] == ["id-1", "ha-1"]


OLD = {
    "ScheduleId": "old",
    "UserNotes": "Home Assistant",
    "StartTimeUtc": "2026-03-02T01:02:08Z",
    "Duration": "01:00:00",
    "DesiredMode": {"InverterMode": "ChargeBattery", "ArgumentInWatts": 3000},
}
OLD_LIMIT = {
    "EventId": "ha-1",
    "StartAtUtc": "2026-03-02T01:02:08Z",
    "EndAtUtc": "2026-03-02T02:02:08Z",
    "MaxExportPowerW": 0,
    "Status": "Scheduled",
}


@pytest.mark.parametrize(("old", "known"), [(OLD, ["old"]), (OLD | {"Duration": "00:30:00"}, ())])
def test_an_older_schedule_is_not_taken_for_the_new_one(
    written: Written, controls: ControlsApi, old: dict[str, Any], known: list[str]
) -> None:
    written.others, written.plan = [old], ["lost"]
    assert controls.create_schedule(A, WANTED, 40, known=known) == "id-1"
    assert written.asked.count(NEW) == 2


@pytest.mark.parametrize("change", [{"UserNotes": None}, {"UserNotes": "Home Assistant"}])
def test_a_schedule_is_recognised_without_notes_and_with_other_letters(
    written: Written, controls: ControlsApi, change: dict[str, object]
) -> None:
    mode = {"DesiredMode": {"InverterMode": "chargeBattery", "ArgumentInWatts": 3000}}
    written.others, written.plan = [OLD | mode | change], ["lost"]
    assert controls.create_schedule(A, WANTED, 40) == "old"
    assert written.asked.count(NEW) == 1


@pytest.mark.parametrize(
    "change",
    [{"MaxExportPowerW": 5000}, {"EndAtUtc": "2026-03-02T01:30:00Z"}, {"Status": "Cancelled"}],
)
def test_an_older_envelope_of_the_same_id_is_not_taken_for_the_new_one(
    written: Written, controls: ControlsApi, change: dict[str, object]
) -> None:
    written.others, written.plan = [OLD_LIMIT | change], ["lost"]
    controls.create_envelope("S1", LIMIT, 40)
    assert len(written.items) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 429])
@pytest.mark.parametrize("create", CREATES)
def test_a_list_that_is_refused_says_nothing_about_a_write(
    written: Written, controls: ControlsApi, create: Write, status: int
) -> None:
    written.plan, written.list_plan = ["cut"], [status]
    with pytest.raises(OutcomeUnknownError):
        create(controls)
    assert len(written.items) == 1


@pytest.mark.parametrize("create", CREATES)
def test_a_list_that_was_asked_too_soon_proves_nothing(
    written: Written, controls: ControlsApi, create: Write
) -> None:
    written.plan, written.late, written.slow = ["cut"], 14.0, 13.0
    with pytest.raises(OutcomeUnknownError):
        create(controls)
    assert len(written.items) == 1


@pytest.mark.parametrize("create", CREATES)
def test_a_list_that_cannot_be_read_whole_proves_nothing(
    written: Written, controls: ControlsApi, create: Write
) -> None:
    written.plan, written.others = ["lost"], [{"ScheduleId": "x", "EventId": "x"}]
    with pytest.raises(OutcomeUnknownError):
        create(controls)
    assert written.items == []


@pytest.mark.parametrize("create", CREATES)
def test_a_refusal_of_the_second_try_does_not_say_that_the_first_failed(
    written: Written, controls: ControlsApi, create: Write
) -> None:
    written.plan, written.late = ["cut", "refused"], 60.0
    with pytest.raises(OutcomeUnknownError):
        create(controls)


@pytest.mark.parametrize("create", CREATES)
def test_what_an_empty_answer_leaves_open_is_looked_for(
    written: Written, controls: ControlsApi, create: Write
) -> None:
    written.plan = ["empty"]
    create(controls)
    assert len(written.items) == 1


NO_IDS = ["", " ", ".", ".."]


@pytest.mark.parametrize("name", NO_IDS)
@pytest.mark.parametrize(
    "ask",
    [
        lambda controls, name: controls.create_schedule(name, WANTED, 40),
        lambda controls, name: controls.delete_schedule(name, "id-1", 40),
        lambda controls, name: controls.delete_schedule(A, name, 40),
        lambda controls, name: controls.create_envelope(name, LIMIT, 40),
        lambda controls, name: controls.create_envelope(
            "S1", msgspec.structs.replace(LIMIT, event_id=name), 40
        ),
        lambda controls, name: controls.delete_envelope("S1", name, 40),
        lambda controls, name: controls.schedules(name),
        lambda controls, name: controls.envelopes(name),
    ],
)
def test_without_an_id_nothing_is_asked(
    written: Written, controls: ControlsApi, ask: Callable[[ControlsApi, str], object], name: str
) -> None:
    with pytest.raises(RequestError):
        ask(controls, name)
    assert written.asked == []


DELETES: list[Write] = [
    lambda controls: controls.delete_schedule(A, "old", 40),
    lambda controls: controls.delete_envelope("S1", "ha-1", 40),
]


@pytest.mark.parametrize("delete", DELETES)
def test_what_is_not_there_is_as_good_as_deleted(
    written: Written, controls: ControlsApi, delete: Write
) -> None:
    written.plan = ["not found"]
    delete(controls)
    assert len(written.asked) == 2
    assert written.time.passed < 1


@pytest.mark.parametrize("delete", DELETES)
@pytest.mark.parametrize("list_plan", [[200], [403]])
def test_what_is_not_found_is_deleted_again_while_it_may_be_listed(
    written: Written, controls: ControlsApi, delete: Write, list_plan: list[int]
) -> None:
    written.plan, written.others = ["not found", "done"], [OLD | OLD_LIMIT]
    written.list_plan = list_plan
    delete(controls)
    assert len(written.gone) == 1


@pytest.mark.parametrize("delete", DELETES)
def test_what_is_never_found_but_listed_is_not_known_to_be_deleted(
    written: Written, controls: ControlsApi, delete: Write
) -> None:
    written.plan, written.others = ["not found", "not found"], [OLD | OLD_LIMIT]
    with pytest.raises(OutcomeUnknownError):
        delete(controls)


@pytest.mark.parametrize("delete", DELETES)
def test_a_no_to_a_delete_is_a_refusal(
    written: Written, controls: ControlsApi, delete: Write
) -> None:
    written.plan = ["no"]
    with pytest.raises(RequestError):
        delete(controls)


@pytest.mark.parametrize("way", ["lost", "cut"])
def test_what_is_not_listed_yet_is_not_taken_for_deleted(
    written: Written, controls: ControlsApi, way: str
) -> None:
    written.late = 8.0
    number = controls.create_schedule(A, WANTED, 40)
    written.plan = [way]
    controls.delete_schedule(A, number, 40)
    assert len(written.gone) == 1


def test_a_cancelled_envelope_is_deleted_however_long_it_is_listed(
    written: Written, controls: ControlsApi
) -> None:
    written.plan = ["not found"]
    written.others = [OLD_LIMIT | {"Status": "Cancelled"}]
    controls.delete_envelope("S1", "ha-1", 40)


def test_lists_are_read_with_whatever_words_the_cloud_uses(
    cloud: Cloud, controls: ControlsApi
) -> None:
    item = {
        "ScheduleId": "x",
        "StartTimeUtc": "2026-03-02T06:00:00Z",
        "Duration": "1.02:00:00",
        "DesiredMode": {"InverterMode": "Dance", "ArgumentInWatts": 5},
    }
    daily = {"StartTime": "02:00:00", "Duration": "01:30:00", "DaysActive": "Monday, Friday"}
    data = {"Schedules": [item, {"ScheduleId": "no times"}, None], "DailySchedules": [daily]}
    url = f"{API}/Api/v2/Schedule/By/SerialNumber/{A}"
    cloud.web.add("GET", url, json={"Data": data})
    found = controls.schedules(A)
    (once,) = found.once
    assert (once.mode, once.power_w) == ("Dance", 5)
    assert once.end == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert [(one.start, one.days) for one in found.daily] == [
        (timedelta(hours=2), "Monday, Friday")
    ]


@pytest.mark.parametrize("data", [None, {}, {"Schedules": None, "DailySchedules": None}])
def test_nothing_scheduled_may_be_said_in_many_ways(
    cloud: Cloud, controls: ControlsApi, data: object
) -> None:
    cloud.web.add("GET", f"{API}/Api/v2/Schedule/By/SerialNumber/{A}", json={"Data": data})
    assert controls.schedules(A).once == ()


def test_what_is_no_list_of_schedules_is_an_error(cloud: Cloud, controls: ControlsApi) -> None:
    cloud.web.add("GET", f"{API}/Api/v2/Schedule/By/SerialNumber/{A}", json={"Data": "x"})
    with pytest.raises(TransientError):
        controls.schedules(A)


def test_an_envelope_with_an_error_message_was_not_made(
    cloud: Cloud, controls: ControlsApi
) -> None:
    body = {"Data": {"ErrorMessage": "some text"}}
    cloud.web.add("POST", f"{API}/Api/v2/OperatingEnvelope/Create/By/Site", json=body)
    with pytest.raises(RequestError):
        controls.create_envelope("S1", LIMIT, 40)


@pytest.mark.parametrize(
    ("status", "active"), [("Scheduled", True), ("Dancing", True), ("Cancelled", False)]
)
def test_an_envelope_counts_in_its_time_unless_it_is_cancelled(
    cloud: Cloud, controls: ControlsApi, status: str, *, active: bool
) -> None:
    item = {
        "EventId": "x",
        "StartAtUtc": "2026-03-02T01:00:00Z",
        "EndAtUtc": "2026-03-02T02:00:00Z",
        "MaxExportPowerW": 0,
        "IsNetworkLevel": True,
        "Status": status,
    }
    cloud.web.add(
        "GET",
        f"{API}/Api/v2/OperatingEnvelope/By/Site/S1",
        json={"TotalCount": 1, "Data": [item]},
    )
    (found,) = controls.envelopes("S1").all
    assert (found.of_network, found.limits()) == (True, {"MaxExportPowerW": 0})
    assert found.is_active(START) is active
    assert not found.is_active(START + timedelta(hours=1))


ONE = {"ScheduleId": "x", "StartTimeUtc": "2026-03-02T06:00:00Z", "Duration": "02:00:00"}


@pytest.mark.parametrize(
    ("data", "total", "unread"),
    [([ONE], None, 0), ([ONE], 1, 0), ([ONE], 3, 2), ([ONE, {}, None], None, 2), (None, 1, None)],
)
def test_a_list_says_how_much_of_it_cannot_be_read(
    cloud: Cloud, controls: ControlsApi, data: object, total: int | None, unread: int | None
) -> None:
    count = {} if total is None else {"TotalCount": total}
    body: dict[str, object] = {"Data": {"Schedules": data}, **count}
    cloud.web.add("GET", f"{API}/Api/v2/Schedule/By/SerialNumber/{A}", json=body)
    assert controls.schedules(A).unread == unread
    limits = [one and OLD_LIMIT for one in data] if isinstance(data, list) else data
    body = {"Data": limits, **count}
    cloud.web.add("GET", f"{API}/Api/v2/OperatingEnvelope/By/Site/S1", json=body)
    assert controls.envelopes("S1").unread == unread


@pytest.mark.parametrize(
    "delete",
    [
        lambda controls: controls.delete_schedule(A, "old", 12),
        lambda controls: controls.delete_envelope("S1", "ha-1", 12),
    ],
)
def test_what_is_not_found_is_gone_as_soon_as_a_list_can_be_read_without_it(
    written: Written, controls: ControlsApi, delete: Write
) -> None:
    written.plan, written.list_plan = ["not found"], [403]
    delete(controls)
    assert sum(one.startswith("DELETE") for one in written.asked) == 1


def test_the_envelopes_of_an_event_are_those_of_all_sites(
    cloud: Cloud, controls: ControlsApi
) -> None:
    listed = [OLD_LIMIT | {"SiteId": site} for site in ("S1", "S2")]
    body = {"TotalCount": 3, "Data": listed}
    cloud.web.add("GET", f"{API}/Api/v2/OperatingEnvelope/By/EventId/ha-1", json=body)
    found = controls.envelopes_of_event("ha-1")
    assert ([one.site_id for one in found.all], found.unread) == (["S1", "S2"], 1)
