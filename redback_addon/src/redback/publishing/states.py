"""Brings to Core what it should show: the states that changed, and all of them after an absence."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from ..backfill import Delivery
from ..clock import Clock
from ..core import CoreAwayError, CoreRefusedError, HomeAssistant, State, Sync
from ..problems import Kind, Problems
from ..timeouts import timeout

_LOG = logging.getLogger(__name__)
# Enough to hide the two round trips of each push, few enough to leave a small machine its breath.
AT_ONCE = 4
# The Supervisor allows ten seconds from SIGTERM, the project itself five.
_FAREWELL_SECONDS = 2.5


class StatePublisher:
    """The states that Core should show.

    Args:
        home_assistant: shows them.
        clock: waits between the tries.
        problems: get the states that Core does not take.
        delivery: notes which readings have arrived.
    """

    def __init__(
        self,
        home_assistant: HomeAssistant,
        clock: Clock,
        problems: Problems,
        delivery: Delivery,
    ) -> None:
        self._home_assistant = home_assistant
        self._problems = problems
        self._delivery = delivery
        self._sync = Sync[str, State](self._send, clock, at_once=AT_ONCE, watcher=self)
        home_assistant.keep(self)

    def offer(self, states: Iterable[State]) -> None:
        """Let Core show these states; those it shows already cost nothing."""
        for state in states:
            self._sync.want(state.entity_id, state)

    def sent(self, serial: str, moment: datetime) -> None:
        """Take in that all of an inverter's reading has been offered."""
        self._delivery.sent(serial, moment)

    @property
    def states(self) -> Mapping[str, State]:
        """What Core is to show, by entity id."""
        return self._sync.wanted

    def resend(self) -> None:
        """Push everything again: Core may have lost it."""
        self._sync.resend()

    async def run(self) -> None:
        """Push whatever is due, for ever."""
        await self._sync.run()

    async def farewell(self) -> None:
        """Push the last of what was offered, as far as that is possible in a short time."""
        with contextlib.suppress(CoreAwayError, TimeoutError):
            await asyncio.wait_for(self._sync.settle(), timeout(_FAREWELL_SECONDS))

    def arrived(self) -> None:
        """Take in that Core shows every state that it should."""
        self._delivery.arrived()
        self._home_assistant.arrived()

    def failed(self, error: CoreAwayError) -> None:
        """Take in that a state has not arrived, and is tried again."""
        self._home_assistant.failed(error)

    async def _send(self, entity_id: str, state: State) -> None:
        try:
            await self._home_assistant.rest.set_state(state)
        except CoreRefusedError as error:
            self._problems.raise_(Kind.ENTITY, entity_id, error)
        else:
            self._problems.clear(Kind.ENTITY, entity_id)
