"""The event bus as a door: automations fire an event with a command, and hear its answer."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import NoReturn

from ..core import CoreAwayError, CoreError, CoreSilentError, HomeAssistant, Message, retry
from .book import Answer
from .controls import Controls

COMMAND = "redback_command"
ANSWER = "redback_control"


class EventDoor:
    """Hears commands on Core's event bus, and fires an event for each answer."""

    def __init__(self, controls: Controls, home_assistant: HomeAssistant) -> None:
        self._controls = controls
        self._home_assistant = home_assistant
        self._clock = controls.clock
        self._answers: asyncio.Queue[Answer] = asyncio.Queue()
        controls.listen(self._answers.put_nowait)
        home_assistant.websocket.subscribe(COMMAND, self._hear)

    def _hear(self, event: Message) -> None:
        self._controls.take(event.get("data"), "automation")

    async def run(self) -> NoReturn:
        """Fire the events as soon as Core is there, until cancelled."""
        while True:
            answer = await self._answers.get()
            with suppress(CoreError):  # if Core refuses it, the record has the answer
                await retry(partial(self._fire, answer), CoreAwayError, self._clock)

    async def _fire(self, answer: Answer) -> None:
        if not answer.is_late(self._clock.now()):
            with suppress(CoreSilentError):  # it may have fired it
                await self._home_assistant.rest.fire_event(ANSWER, answer.as_event())
