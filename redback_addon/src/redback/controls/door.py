"""The event bus as a door: automations fire an event with a command, and hear its answer."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import NoReturn

import msgspec

from ..clock import Clock
from ..core import CoreAwayError, CoreError, CoreSilentError, HomeAssistant, Message, retry
from .book import Answer

COMMAND = "redback_command"
ANSWER = "redback_control"
# Later nobody waits for it, and it could be over.
_NEWS_FOR = timedelta(seconds=60)


class EventDoor:
    """Hears commands on Core's event bus, and fires an event for each answer."""

    def __init__(self, home_assistant: HomeAssistant, clock: Clock) -> None:
        self._home_assistant = home_assistant
        self._clock = clock
        self._answers: asyncio.Queue[Answer] = asyncio.Queue()

    def open(self, take: Callable[[object, str], None]) -> None:
        """Hear commands from the next connection on."""

        def hear(event: Message) -> None:
            take(event.get("data"), "automation")

        self._home_assistant.websocket.subscribe(COMMAND, hear)

    def tell(self, answer: Answer) -> None:
        """Fire an event as soon as Core is there; the record's time is that of the event itself."""
        self._answers.put_nowait(answer)

    async def run(self) -> NoReturn:
        """Fire the events, until cancelled."""
        while True:
            answer = await self._answers.get()
            with suppress(CoreError):  # if Core refuses it, the record has the answer
                await retry(partial(self._fire, answer), CoreAwayError, self._clock)

    async def _fire(self, answer: Answer) -> None:
        now = self._clock.now()
        if answer.result == "started" and now - (answer.at or now) > _NEWS_FOR:
            return
        data = msgspec.to_builtins(answer)
        del data["at"]
        with suppress(CoreSilentError):  # it may have fired it
            await self._home_assistant.rest.fire_event(ANSWER, data)
