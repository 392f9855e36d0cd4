"""That notifications come at most once an hour, and go when what they say is over."""

from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from typing import Any, cast

import pytest

from fake_clock import FakeClock
from redback.core import CoreAwayError, CoreRefusedError, Notices, Rest
from redback.core.errors import CoreSilentError
from redback.notifications import AccountNotifications, Notifications
from redback.problems import Kind, Problems
from running import running

HOUR = 3600


class Core:
    """What Core shows, and when it was given something to show, in monotonic seconds."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.shown: dict[str, str] = {}
        self.created: list[float] = []
        self.refuses = self.is_away = self.is_silent = False

    async def call_service(self, _: str, service: str, data: Mapping[str, Any]) -> None:
        if self.is_silent:
            raise CoreSilentError("POST", "/core/api/services", None, "no answer")
        if self.is_away:
            raise CoreAwayError("POST", "/core/api/services", 502, "away")
        if self.refuses:
            raise CoreRefusedError("POST", "/core/api/services", 400, "no")
        if service == "create":
            self.created.append(self._clock.monotonic())
            self.shown[data["notification_id"]] = data["message"]
        else:
            self.shown.pop(data["notification_id"], None)

    def arrived(self) -> None:
        pass

    def failed(self, _: object) -> None:
        pass


@pytest.fixture
def core(clock: FakeClock) -> Core:
    return Core(clock)


@pytest.fixture
def problems(clock: FakeClock) -> Problems:
    return Problems(clock)


@pytest.fixture
async def notices(core: Core, clock: FakeClock, problems: Problems) -> AsyncIterator[Notices]:
    notices = Notices(cast("Rest", core), clock, problems, prefix="redback", watcher=core)
    async with running(notices):
        yield notices


@pytest.mark.parametrize("gone", [120, 180])
async def test_what_comes_and_goes_is_shown_once_an_hour(
    notices: Notices, core: Core, clock: FakeClock, gone: int
) -> None:
    for _ in range(24 * HOUR // (120 + gone)):
        notices.show("token", "No access", "Refused.")
        await clock.advance(120)
        notices.withdraw("token")
        await clock.advance(1)
        assert not core.shown
        await clock.advance(gone - 1)
    assert len(core.created) >= 20
    assert all(later - earlier >= HOUR for earlier, later in pairwise(core.created))


async def test_what_has_come_back_and_stays_is_shown_when_the_hour_is_over(
    notices: Notices, core: Core, clock: FakeClock
) -> None:
    assert notices.show("token", "No access", "Refused.")
    await clock.advance(120)
    notices.withdraw("token")
    await clock.advance(120)
    assert not notices.show("token", "No access", "Refused.")
    await clock.advance(HOUR - 300)
    assert not core.shown
    await clock.advance(120)
    assert core.shown == {"redback_token": "Refused."}
    await clock.advance(24 * HOUR)
    assert len(core.created) == 2


async def test_another_text_follows_within_minutes_and_the_end_at_once(
    notices: Notices, core: Core, clock: FakeClock
) -> None:
    notices.show("denied", "No access", "RB1")
    await clock.advance(60)
    notices.show("denied", "No access", "RB1, RB2")
    await clock.advance(60)
    assert core.shown == {"redback_denied": "RB1"}
    await clock.advance(4 * 60)
    assert core.shown == {"redback_denied": "RB1, RB2"}
    await clock.advance(10 * 60)
    notices.show("denied", "No access", "RB1")
    await clock.advance(1)
    assert core.shown == {"redback_denied": "RB1"}
    notices.show("denied", "No access", "RB2")
    notices.withdraw("denied")
    await clock.advance(2 * HOUR)
    assert not core.shown


async def test_a_text_that_is_right_again_stays(
    notices: Notices, core: Core, clock: FakeClock
) -> None:
    for message in ("RB1", "RB1, RB2", "RB1"):
        notices.show("denied", "No access", message)
        await clock.advance(60)
    await clock.advance(2 * HOUR)
    assert core.shown == {"redback_denied": "RB1"}
    assert len(core.created) == 1


async def test_different_ones_do_not_wait_for_each_other(
    notices: Notices, core: Core, clock: FakeClock
) -> None:
    notices.show("token", "No access", "Refused.")
    notices.show("denied", "No access", "RB1")
    await clock.advance(1)
    assert core.shown.keys() == {"redback_token", "redback_denied"}


async def test_one_that_core_has_refused_is_no_problem_once_it_is_over(
    notices: Notices, core: Core, clock: FakeClock, problems: Problems
) -> None:
    core.refuses = True
    notices.show("token", "No access", "Refused.")
    await clock.advance(1)
    assert set(problems.now) == {(Kind.NOTIFICATION, "token")}
    notices.withdraw("token")
    await clock.advance(1)
    assert not problems.now


async def test_what_has_happened_is_notified_once_and_what_applies_again_after_each_absence(
    notices: Notices, core: Core, clock: FakeClock
) -> None:
    told = AccountNotifications(Notifications(notices), "")
    core.is_away = True
    told.replaced("RB11", "RB22", "House")
    notices.show("token", "No access", "Refused.")
    await clock.advance(60)
    assert not core.shown
    core.is_away = False
    notices.resend()
    await clock.advance(60)
    assert core.shown.keys() == {"redback_replaced_RB22", "redback_token"}
    for _ in range(3):
        core.shown.clear()  # dismissed, or lost when Core restarted
        notices.resend()
        await clock.advance(24 * HOUR)
        assert core.shown.keys() == {"redback_token"}


async def test_what_core_did_not_answer_is_sent_until_it_does(
    notices: Notices, core: Core, clock: FakeClock
) -> None:
    core.is_silent = True
    notices.tell("replaced_RB22", "Replaced", "RB22")
    await clock.advance(1)
    notices.resend()
    core.is_silent = False
    await clock.advance(60)
    assert core.shown == {"redback_replaced_RB22": "RB22"}
    core.shown.clear()
    notices.resend()
    await clock.advance(HOUR)
    assert not core.shown


async def test_a_notification_that_core_rejects_is_sent_after_its_restart(
    notices: Notices, core: Core, clock: FakeClock, problems: Problems
) -> None:
    core.refuses = True
    notices.tell("replaced_RB22", "Replaced", "RB22")
    await clock.advance(1)
    assert set(problems.now) == {(Kind.NOTIFICATION, "replaced_RB22")}
    core.refuses = False
    notices.resend()
    await clock.advance(1)
    assert core.shown == {"redback_replaced_RB22": "RB22"}
    assert not problems.now
