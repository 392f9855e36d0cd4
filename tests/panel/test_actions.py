"""That the page's buttons do what they say, and only if the page itself has sent them."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from multidict import CIMultiDict

from panel.visitor import Visitor, running
from standin.users import OWNER

pytestmark = [pytest.mark.process, pytest.mark.asyncio(loop_scope="module")]

_ACTIONS = ["history/pause", "history/resume", "history/fill", "energy", "dashboard"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def person() -> AsyncIterator[Visitor]:
    async with running(options={"history_days": 1}) as person:
        await person.all_well()
        yield person


@pytest.mark.parametrize("action", _ACTIONS)
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


@pytest.mark.parametrize("action", _ACTIONS)
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


async def test_too_much_is_refused(person: Visitor) -> None:
    headers = {"X-Redback-Token": await person.token(), "Content-Type": "application/json"}
    async with person.send("history/fill", " " * 10_000, headers) as answer:
        assert answer.status == 413
