"""The MQTT broker: one connection that is kept up, and the messages that pass it."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, NoReturn, Protocol

from ..clock import Clock
from ..problems import OF_BROKER, Kind, Problems
from .broker_address import BrokerAddress, Will
from .errors import (
    BrokerAwayError,
    BrokerMissingError,
    BrokerRefusedError,
    BrokerUntrustedError,
)

if TYPE_CHECKING:
    from .mqtt_connection import Connection

_LOG = logging.getLogger(__name__)
# At the stop time is short.
_LEAVE_SECONDS = 1.5
# All entities must be there ten seconds after the broker, so no wait may come near that.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 4.0
# Some brokers lock out who tries wrong credentials often.
_REFUSED_SECONDS = 60.0
# One that restarts is missing for seconds; after five minutes there may never be one.
_MISSING_SECONDS = 30.0
_MISSING_AFTER = 75


class Listener(Protocol):
    """Is called while the connection lasts."""

    def broker_connected(self) -> None:
        """Note that the broker is there: it may have lost what it retained."""

    def broker_message(self, topic: str, payload: str) -> None:
        """Take a message of a topic that was subscribed to; retained ones are left out."""


class Broker:
    """Publishes messages, most of them retained, and hears those of others.

    Args:
        find: returns the broker's address; asked before each connection, as it may have changed.
            Raises a BrokerAwayError where that is not known.
        clock: waits between attempts.
        problems: get why there is no connection.
        will: what is retained after the end.
        told: the kinds of problems that people have to know.

    Attributes:
        address: of the last attempt to connect; None before the first.
        find: as given.
        messages: how many it has taken.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[BrokerAddress]],
        clock: Clock,
        problems: Problems,
        will: Will | None = None,
        told: Collection[Kind] = OF_BROKER,
    ) -> None:
        self.find = find
        self._clock = clock
        self._problems = problems
        self._will = will
        self._told = told
        self._connection: Connection | None = None
        self._up = asyncio.Event()
        self._listener: Listener | None = None
        self._topics: tuple[str, ...] = ()
        self._longest = _FIRST_WAIT
        self._is_refused = False
        # How often none was found, one time after the other.
        self._missed = 0
        self.address: BrokerAddress | None = None
        self.messages = 0

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        return self._connection is not None

    def listen(self, listener: Listener, *topics: str) -> None:
        """Call the listener with each connection from now on, and with messages of these topics."""
        self._listener = listener
        self._topics = topics

    async def ready(self) -> None:
        """Wait until it is connected."""
        await self._up.wait()

    async def publish(self, topic: str, payload: str) -> None:
        """Have a message retained instead of the topic's last one; an empty one removes that.

        Raises:
            BrokerAwayError: it may not have arrived.
        """
        await self._open.publish(topic, payload)
        self.messages += 1

    async def tell(self, topic: str, payload: str) -> None:
        """Send a message to those that listen now, and to nobody later.

        Raises:
            BrokerAwayError: it may not have arrived.
        """
        await self._open.publish(topic, payload, retain=False)
        self.messages += 1

    @property
    def _open(self) -> "Connection":
        if self._connection is None:
            raise BrokerAwayError("PUBLISH", str(self.address), None, "not connected")
        return self._connection

    async def run(self) -> None:
        """Stay connected, until cancelled."""
        while True:
            try:
                await self._hold()
            except BrokerRefusedError as error:
                # One that is starting may refuse everybody at first.
                seconds = _REFUSED_SECONDS if self._is_refused else _LONGEST_WAIT
                self._is_refused = True
                self._report(Kind.BROKER_REFUSED, error)
            except BrokerUntrustedError as error:
                seconds = _REFUSED_SECONDS
                self._report(Kind.BROKER_UNTRUSTED, error)
            except BrokerMissingError as error:
                self._missed += 1
                seconds = _LONGEST_WAIT if self._missed < _MISSING_AFTER else _MISSING_SECONDS
                self._report(Kind.BROKER_MISSING, error)
            except BrokerAwayError as error:
                seconds = random.uniform(0, self._longest)  # noqa: S311 - no secret
                self._longest = min(2 * self._longest, _LONGEST_WAIT)
                self._report(Kind.BROKER_AWAY, error)
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError  # the library's own error came instead
            await self._clock.sleep(seconds)

    async def _hold(self) -> NoReturn:
        """Connect, and stay connected for as long as it lasts."""
        # A megabyte, which those without devices do not need.
        from .mqtt_connection import connected  # noqa: PLC0415

        self.address = address = await self.find()
        async with connected(address, self._will, self._topics) as connection:
            try:
                self._connected(connection)
                async for topic, payload in connection.messages():
                    if self._listener is not None:
                        self._listener.broker_message(topic, payload)
            except asyncio.CancelledError:
                await self._leave(connection)
                raise
            finally:
                self._connection = None
                self._up.clear()
                connection.close()
        raise BrokerAwayError("CONNECT", str(address), None, "the connection was closed")

    def _connected(self, connection: "Connection") -> None:
        self._connection = connection
        self._longest, self._is_refused, self._missed = _FIRST_WAIT, False, 0
        self._up.set()
        for kind in self._told:
            self._problems.clear(kind)
        if self._listener is not None:
            self._listener.broker_connected()

    async def _leave(self, connection: "Connection") -> None:
        """Publish the will: a broker does so only for a connection that breaks."""
        if self._will is not None:
            with contextlib.suppress(BrokerAwayError):
                will = self._will
                await connection.publish(will.topic, will.payload, seconds=_LEAVE_SECONDS)

    def _report(self, kind: Kind, error: BrokerAwayError) -> None:
        _LOG.debug("%s", error)
        for other in self._told:
            if other is not kind:
                self._problems.drop(other)
        if kind in self._told:
            self._problems.raise_(kind, None, error)
