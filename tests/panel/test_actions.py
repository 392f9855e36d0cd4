"""That the page's buttons do what they say, and only if the page itself has sent them."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from multidict import CIMultiDict

from house import until
from panel.addresses import actions
from panel.visitor import Visitor, running, visitor
from redback.backfill.adjustments import FILE, Adjustments
from redback.backfill.agreement import Shift, Why
from redback.cloud import ListedInverter
from redback.core import Row
from redback.saved_state import SavedState
from standin.client import statistics_question
from standin.users import OWNER

pytestmark = [pytest.mark.process, pytest.mark.asyncio(loop_scope="module")]

_HOUR = timedelta(hours=1)
_COUNTER = "sensor.of_another_name"
_METADATA = {
    "statistic_id": _COUNTER,
    "source": "recorder",
    "name": None,
    "unit_of_measurement": "kWh",
    "unit_class": "energy",
    "mean_type": 0,
    "has_sum": True,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def person() -> AsyncIterator[Visitor]:
    async with running(options={"history_days": 1}) as person:
        await person.all_well()
        yield person


@pytest.mark.parametrize("action", actions())
async def test_what_comes_from_elsewhere_is_refused(person: Visitor, action: str) -> None:
    token = await person.token()
    json_type = {"Content-Type": "application/json"}
    for headers, status in (
        (json_type, 403),
        (json_type | {"X-Redback-Token": "guessed"}, 403),
        (json_type | {"X-Redback-Token": "m\u00e4h"}, 403),
        (json_type | {"X-Redback-Token": token, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain", "X-Redback-Token": token}, 400),
    ):
        assert (await person.post(action, headers=headers))[0] == status
    async with person.get(f"do/{action}") as answer:
        assert answer.status == 405
    assert not (await person.data("status"))["history"]["is_paused"]
    assert await person.post("history/retry") == (200, "Trying again.")


@pytest.mark.parametrize("action", actions())
async def test_who_is_no_administrator_is_refused(person: Visitor, action: str) -> None:
    home = person.home
    kim = await home.command({"type": "config/auth/create", "name": "Kim"})
    for user, says in (
        ("", "did not say who you are"),
        (kim["user"]["id"], "Only administrators"),
        ("0" * 32, "Only administrators"),
    ):
        async with Visitor(home, user=user) as other:
            status, text = await other.post(action)
            assert (status, says in text) == (403, True), text
    two = [("X-Remote-User-Id", OWNER), ("X-Remote-User-Id", OWNER)]
    assert (await person.post(action, headers=await _by(person, two)))[0] == 403
    assert not (await person.data("status"))["history"]["is_paused"]


async def _by(person: Visitor, users: Sequence[tuple[str, str]]) -> CIMultiDict[str]:
    """Return the headers of the page, from these users at once."""
    token = ("X-Redback-Token", await person.token())
    return CIMultiDict([*users, token, ("Content-Type", "application/json")])


async def test_nothing_is_changed_while_home_assistant_does_not_answer(person: Visitor) -> None:
    await person.home.supervisor.stop()
    try:
        await person.first_notice("core_away")
        status, text = await person.post("history/pause")
    finally:
        await person.home.supervisor.start()
    assert (status, "Try again in a moment" in text) == (503, True)
    status_now = await person.all_well()
    assert not status_now["history"]["is_paused"]


async def test_the_token_is_another_after_each_start(person: Visitor) -> None:
    before = await person.token()
    assert await person.token() == before
    async with running() as other:
        assert await other.token() != before


async def test_the_history_waits_and_goes_on(person: Visitor) -> None:
    assert await person.post("history/pause") == (
        200,
        "Filling is paused.",
    )
    history = (await person.data("status"))["history"]
    assert (history["is_paused"], history["is_running"]) == (True, False)
    saved = json.loads((person.home.data / "memory.json").read_text())
    assert saved["is_history_paused"] is True
    assert await person.post("history/resume") == (200, "Filling has resumed.")
    assert not (await person.data("status"))["history"]["is_paused"]


async def test_hours_are_filled_again_when_somebody_asks(person: Visitor) -> None:
    (day,) = (await person.data("calendar?days=1"))["days"]
    past = [one for one in day["hours"] if one["code"] in {"waiting", "covered"}]
    if len(past) < 2:  # shortly after midnight: ask for yesterday's last hours
        (_, day) = (await person.data("calendar?days=2"))["days"]
        past = day["hours"][-3:]
    start = datetime.fromisoformat(past[0]["start"]).astimezone()
    wanted = {
        "since": f"{start:%Y-%m-%dT%H:%M}",
        "until": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "serial": person.home.inverters[0],
    }
    status, text = await person.post("history/fill", wanted)
    assert (status, text) == (200, "1 hour will be filled again within minutes.")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"since": "yesterday", "until": "2026-01-01"}, "'yesterday' is not a time"),
        ({"since": "2001-01-01", "until": "2001-01-02"}, "There is nothing to fill"),
        ({"since": "2001-01-01", "until": "2001-01-02", "serial": "x"}, "no such inverter"),
        ({"since": 3}, "cannot be understood"),
        ("{", "cannot be understood"),
        ("[" * 2000, "cannot be understood"),
    ],
)
async def test_a_time_that_makes_no_sense_is_a_sentence(
    person: Visitor, body: object, says: str
) -> None:
    status, text = await person.post("history/fill", body)
    assert status == 400
    assert says in text


def _corrected(person: Visitor, row: Row, amount: float) -> None:
    """Note that all sums were shifted, from this row on."""
    adjustments = Adjustments(person.home.data / FILE)
    noted = adjustments.note(_COUNTER, Shift(row, amount, Why.STEP), datetime.now(UTC))
    assert noted is not None
    adjustments.done(noted)
    adjustments.close()


async def test_a_correction_of_sums_can_be_taken_back_once(person: Visitor) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=age) for age in (74, 73, 72)]
    stats = [{"start": hour.isoformat(), "state": 9, "sum": 9} for hour in hours]
    await person.home.command(
        {"type": "recorder/import_statistics", "metadata": _METADATA, "stats": stats}
    )
    question = statistics_question([_COUNTER], hours[0], hours[2] + _HOUR, types=["sum"])

    async def rows() -> list[dict[str, float]]:
        found = await person.home.command(question | {"units": {}})
        return list(found.get(_COUNTER, ()))

    await until(rows)  # it is written a moment after the answer
    _corrected(person, Row(hours[1], state=9, sum=909), -900)
    (correction,) = (await person.data("corrections"))["corrections"]
    assert datetime.fromisoformat(correction.pop("at")) >= hours[2]
    assert datetime.fromisoformat(correction.pop("hour")) == hours[1]
    assert correction == {
        "number": 1,
        "entity_id": _COUNTER,
        "amount_kwh": -900.0,
        "why": "Home Assistant had counted a jump of the inverter's counter as energy.",
        "is_undone": False,
    }
    taken = (200, "The correction was taken back.")
    assert await person.post("history/take-back", {"number": 1}) == taken
    assert [row["sum"] for row in await rows()] == [9, 909, 909]
    (correction,) = (await person.data("corrections"))["corrections"]
    assert correction["is_undone"]
    for number in (1, 7):
        status, text = await person.post("history/take-back", {"number": number})
        assert (status, "no such correction" in text) == (400, True), text


async def test_an_inverter_that_is_gone_can_be_forgotten_and_no_other() -> None:
    async with visitor() as person:
        (serial,) = person.home.inverters
        gone = "RB00000000000000"
        SavedState(person.home.data / "memory.json").save(
            inverters=(ListedInverter(serial), ListedInverter(gone, "S9")),
            missing={gone: datetime.now(UTC) - timedelta(days=2)},
        )
        await person.start()
        # Core is to say who may press buttons.
        await person.until("status", lambda shown: shown["health"]["core"]["since"])
        shown = await person.until("sites", lambda shown: shown["gone"])
        assert [one["serial"] for one in shown["gone"]] == [gone]
        refused = (400, "Your account has this inverter, or it is already forgotten.")
        assert await person.post("forget", {"serial": serial}) == refused
        forgotten = (200, "The inverter is forgotten.")
        assert await person.post("forget", {"serial": gone}) == forgotten
        assert (await person.data("sites"))["gone"] == []
        assert await person.post("forget", {"serial": gone}) == refused
        status = await person.all_well()
        assert [one["serial"] for one in status["inverters"]] == [serial]
        await person.home.service.stop()
        saved = SavedState(person.home.data / "memory.json").saved
        assert [one.serial for one in saved.inverters] == [serial]


async def test_too_much_is_refused(person: Visitor) -> None:
    headers = {"X-Redback-Token": await person.token(), "Content-Type": "application/json"}
    async with person.send("history/fill", " " * 10_000, headers) as answer:
        assert answer.status == 413
