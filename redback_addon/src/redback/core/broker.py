"""The MQTT broker: one connection that is kept up, and the messages that it retains."""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

import aiomqtt

from ..clock import Clock
from ..problems import Kind, Problems
from ..timeouts import timeout
from .errors import BrokerAwayError, BrokerMissingError, BrokerRefusedError

_LOG = logging.getLogger(__name__)
_TIME_OUT = 10.0
# At the stop time is short.
_LEAVE_SECONDS = 1.5
# A broker that vanished without closing the connection is noticed within 1.5 times this.
_KEEP_ALIVE_SECONDS = 30
# Delivered at least once, so that the arrival is known.
_QOS = 1
# All entities must be there ten seconds after the broker, so no wait may come near that.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 4.0
# Some brokers lock out who tries wrong credentials often.
_REFUSED_SECONDS = 60.0
# Bad credentials, and not authorised, in the words of MQTT 3.1.1 and of 5.
_REFUSALS = frozenset({4, 5, 134, 135})
_PORT, _TLS_PORT = 1883, 8883
_KINDS = Kind.BROKER_MISSING, Kind.BROKER_REFUSED, Kind.BROKER_AWAY


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is, and how to log in; the password is a secret.

    Attributes:
        port: None = the usual one.
    """

    host: str
    port: int | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False

    def __str__(self) -> str:
        """Return host and port."""
        return f"{self.host}:{self.number}"

    @property
    def number(self) -> int:
        """The port, or the usual one."""
        return self.port or (_TLS_PORT if self.tls else _PORT)


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker retains on a topic once this connection has ended, in whatever way."""

    topic: str
    payload: str


class Listener(Protocol):
    """Is called while the connection lasts."""

    def broker_connected(self) -> None:
        """Note that the broker is there: it may have lost what it retained."""

    def broker_message(self, topic: str, payload: str) -> None:
        """Take a message of a topic that was subscribed to; retained ones are left out."""


class Broker:
    """Publishes retained messages.

    Args:
        find: returns the broker's address; asked before each connection, as it may have changed.
            Raises a BrokerAwayError where that is not known.
        clock: waits between attempts.
        problems: get why there is no connection.
        will: what is retained after the end.

    Attributes:
        address: of the last attempt to connect; None before the first.
        find: as given.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[BrokerAddress]],
        clock: Clock,
        problems: Problems,
        will: Will | None = None,
    ) -> None:
        self.find = find
        self._clock = clock
        self._problems = problems
        self._will = will
        self._client: aiomqtt.Client | None = None
        self._up = asyncio.Event()
        self._listener: Listener | None = None
        self._topics: tuple[str, ...] = ()
        self._longest = _FIRST_WAIT
        self.address: BrokerAddress | None = None

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        return self._client is not None

    def listen(self, listener: Listener, *topics: str) -> None:
        """Tell of each connection from now on, and of the messages of these topics."""
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
        if self._client is None:
            raise BrokerAwayError("PUBLISH", topic, None, "not connected")
        try:
            await self._client.publish(topic, payload, qos=_QOS, retain=True)
        except aiomqtt.MqttError as error:
            raise BrokerAwayError("PUBLISH", topic, None, str(error)) from None

    async def run(self) -> None:
        """Stay connected, until cancelled."""
        while True:
            try:
                await self._hold()
            except BrokerRefusedError as error:
                seconds = _REFUSED_SECONDS
                self._report(Kind.BROKER_REFUSED, error)
            except BrokerMissingError as error:
                seconds = _LONGEST_WAIT
                self._report(Kind.BROKER_MISSING, error)
            except BrokerAwayError as error:
                seconds = random.uniform(0, self._longest)  # noqa: S311 - no secret
                self._longest = min(2 * self._longest, _LONGEST_WAIT)
                self._report(Kind.BROKER_AWAY, error)
            await self._clock.sleep(seconds)

    async def _hold(self) -> NoReturn:
        """Connect, and stay connected for as long as it lasts."""
        self.address = address = await self.find()
        try:
            async with await self._make_client(address) as client:
                for topic in self._topics:
                    await client.subscribe(topic, qos=_QOS)
                try:
                    self._connected(client)
                    await self._listen(client)
                except asyncio.CancelledError:
                    await self._leave(client)
                    raise
                finally:
                    self._client = None
                    self._up.clear()
        except aiomqtt.MqttError as error:
            code = getattr(error, "rc", None)
            is_refusal = getattr(code, "value", code) in _REFUSALS
            kind = BrokerRefusedError if is_refusal else BrokerAwayError
            raise kind("CONNECT", str(address), None, str(error)) from None
        except (OSError, ValueError) as error:  # ValueError: a host that is none
            raise BrokerAwayError("CONNECT", str(address), None, str(error)) from None

    async def _make_client(self, address: BrokerAddress) -> aiomqtt.Client:
        # Reading the certificates takes a while.
        context = await asyncio.to_thread(ssl.create_default_context) if address.tls else None
        will = self._will
        return aiomqtt.Client(
            address.host,
            address.number,
            username=address.username or None,
            password=address.password or None,
            will=None
            if will is None
            else aiomqtt.Will(will.topic, will.payload, qos=_QOS, retain=True),
            # What was sent while the add-on was away is too late.
            clean_session=True,
            keepalive=_KEEP_ALIVE_SECONDS,
            timeout=timeout(_TIME_OUT),
            tls_context=context,
        )

    def _connected(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._longest = _FIRST_WAIT
        self._up.set()
        for kind in _KINDS:
            self._problems.clear(kind)
        if self._listener is not None:
            self._listener.broker_connected()

    async def _listen(self, client: aiomqtt.Client) -> NoReturn:
        """Pass on what arrives, until the connection is lost (an MqttError)."""
        async for message in client.messages:
            if self._listener is not None and not message.retain:
                payload = bytes(message.payload or b"").decode(errors="replace")
                self._listener.broker_message(str(message.topic), payload)
        raise aiomqtt.MqttError("the connection was closed")

    async def _leave(self, client: aiomqtt.Client) -> None:
        """Publish the will: a broker does so only for a connection that breaks."""
        if self._will is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(
                    self._will.topic,
                    self._will.payload,
                    qos=_QOS,
                    retain=True,
                    timeout=timeout(_LEAVE_SECONDS),
                )

    def _report(self, kind: Kind, error: BrokerAwayError) -> None:
        _LOG.debug("%s", error)
        for other in _KINDS:
            if other is not kind:
                self._problems.drop(other)
        self._problems.raise_(kind, None, error)
