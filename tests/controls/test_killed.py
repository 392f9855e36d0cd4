"""Killed at every step: what is left is what was promised, once, and ends by itself."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controls.stand_ins import FakeHouse
from redback.controls.book import Book

ASKED = (
    *("schedules", "envelopes"),
    *("create_schedule", "delete_schedule", "create_envelope", "delete_envelope"),
)
Command = dict[str, object]
CHARGE: Command = {"action": "charge", "power": 3000, "minutes": 10, "id": "night"}
LIMIT: Command = {"action": "limit_export", "power": 1000, "minutes": 10, "id": "price"}
# Each with what replaces it.
KINDS = [(CHARGE, CHARGE | {"action": "discharge"}), (LIMIT, LIMIT | {"power": 500})]
MOST_STEPS = 60


class Death:
    """Comes before or after one of the steps that leave something behind: requests, and saving."""

    def __init__(self, house: FakeHouse, patch: pytest.MonkeyPatch) -> None:
        self._left: int | None = None
        self.has_come = False
        for name in ASKED:
            patch.setattr(house.cloud, name, self._deadly(getattr(house.cloud, name)))
        patch.setattr(Book, "_save", self._deadly(Book._save))  # noqa: SLF001 - where it dies

    def comes_at(self, step: int) -> None:
        self._left = step

    def is_over(self) -> None:
        self._left, self.has_come = None, False

    def _deadly(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - handed on
            self._count()
            result = work(*arguments, **more)
            self._count()
            return result

        return step

    def _count(self) -> None:
        if self._left is not None:
            self._left -= 1
            self.has_come |= self._left <= 0
        if self.has_come:
            raise asyncio.CancelledError  # as at the end of the process


@pytest.fixture
def death(house: FakeHouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Death]:
    death = Death(house, monkeypatch)
    yield death
    death.is_over()


async def kill_at(
    step: int, house: FakeHouse, death: Death, command: object, *, down: float
) -> bool:
    """Kill the add-on at a step of a command, and start it again; return whether it came to it."""
    death.comes_at(step)
    await house.send(command, 0)
    for _ in range(40):
        if not death.has_come:
            await house.clock.advance(1)
    has_come = death.has_come
    await house.kill()
    death.is_over()
    await house.clock.advance(down)
    house.start()
    return has_come


async def end_of_all(house: FakeHouse) -> None:
    """Wait until all has ended by itself, and begin anew: nothing is in the cloud or the book."""
    await house.clock.advance(700)
    now = house.clock.now()
    assert [one for _, one in house.cloud.made.values() if one.start <= now < one.end] == []
    house.cloud.made.clear()
    assert house.book.own == ()
    house.answers.clear()


async def counts(house: FakeHouse, seconds: int) -> list[int]:
    """Return how many there are, second by second."""
    found = []
    for _ in range(seconds):
        found.append(len(house.cloud.made))
        await house.clock.advance(1)
    return found


def made(house: FakeHouse) -> list[str | int | None]:
    """Return what is in the cloud."""
    return [*house.cloud.modes, *house.cloud.limits]


@pytest.mark.parametrize(("command", "made_of_it"), [(CHARGE, "ChargeBattery"), (LIMIT, 1000)])
async def test_killed_at_every_step_of_create_there_is_one_or_it_is_said_to_have_failed(
    house: FakeHouse, death: Death, command: Command, made_of_it: str | int
) -> None:
    outcomes = set()
    for step in range(1, MOST_STEPS):
        has_come = await kill_at(step, house, death, command, down=5)
        await counts(house, 120)
        # Nothing is heard only if it dies before the command is noted, or just before it answers.
        outcomes.add((*house.results(), *made(house)))
        await end_of_all(house)
        if not has_come:
            break
    assert outcomes == {(), ("failed",), ("started", made_of_it), (made_of_it,)}
    assert not has_come


@pytest.mark.parametrize(("old", "new"), KINDS)
async def test_killed_at_every_step_of_replace_there_is_never_none_and_soon_no_second(
    house: FakeHouse, death: Death, old: Command, new: Command
) -> None:
    for step in range(1, MOST_STEPS):
        await house.send(old, 60)
        assert len(made(house)) == 1
        has_come = await kill_at(step, house, death, new, down=5)
        found = await counts(house, 120)
        assert set(found) <= {1, 2}, step
        assert set(found[60:]) == {1}, step
        await end_of_all(house)
        if not has_come:
            break
    assert not has_come


@pytest.mark.parametrize(("old", "new"), KINDS)
async def test_killed_where_the_old_one_had_to_make_way_there_is_one_again_within_a_minute(
    house: FakeHouse, death: Death, old: Command, new: Command
) -> None:
    house.cloud.refuses_overlaps = True
    for step in range(1, MOST_STEPS):
        await house.send(old, 60)
        has_come = await kill_at(step, house, death, new, down=5)
        found = await counts(house, 120)
        assert set(found) <= {0, 1}, step
        assert set(found[50:]) == {1}, step
        await end_of_all(house)
        if not has_come:
            break
    assert not has_come
