"""Brings to Core what it should show: the states that changed, and all of them after an absence."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping

from ..clock import Clock
from ..core import CoreAwayError, CoreRefusedError, CoreRest, State, Sync
from ..problems import Problems
from ..timeouts import timeout

_LOG = logging.getLogger(__name__)
# Enough to hide the two round trips of each push, few enough to leave a small machine its breath.
AT_ONCE = 4
# The Supervisor allows ten seconds from SIGTERM, the project itself five.
_FAREWELL_SECONDS = 2.5


class Publisher:
    """The states that Core should show.

    Args:
        core: shows them.
        clock: waits between the tries.
        faults: are told of states that Core does not take.
        away: takes each error that makes it try again, and None when everything has arrived.
    """

    def __init__(
        self,
        core: CoreRest,
        clock: Clock,
        problems: Problems,
        away: Callable[[CoreAwayError | None], None],
    ) -> None:
        self._core = core
        self._problems = problems
        self._sync = Sync[str, State](self._send, clock, at_once=AT_ONCE, away=away)

    def offer(self, states: Iterable[State]) -> None:
        """Let Core show these states; those it shows already cost nothing."""
        for state in states:
            self._sync.want(state.entity_id, state)

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

    async def _send(self, entity_id: str, state: State) -> None:
        fault = f"refused {entity_id}"
        try:
            await self._core.set_state(state)
        except CoreRefusedError as error:
            self._problems.met(fault, f"Home Assistant does not take {entity_id}: {error}.")
        else:
            self._problems.over(fault, f"Home Assistant takes {entity_id} again")
