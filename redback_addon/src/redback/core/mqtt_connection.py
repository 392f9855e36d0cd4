"""One connection to an MQTT broker: the one place that knows the library for it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiomqtt

from ..timeouts import timeout
from .broker_address import BrokerAddress, Will
from .errors import BrokerAwayError, BrokerRefusedError, BrokerUntrustedError

_TIME_OUT = 10.0
_LEAVE_SECONDS = 1.0
# A broker that vanished without closing the connection is noticed within 1.5 times this.
_KEEP_ALIVE_SECONDS = 30
# Delivered at least once, so that the arrival is known.
_QOS = 1
# Bad credentials, and not authorised, in the words of MQTT 3.1.1 and of 5.
_REFUSALS = frozenset({4, 5, 134, 135})


class Connection:
    """A connection that is open; every call raises a BrokerAwayError if it is lost."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._under_way: set[asyncio.Task[None]] = set()

    async def publish(
        self, topic: str, payload: str, *, retain: bool = True, seconds: float = _TIME_OUT
    ) -> None:
        """Send a message, and wait at most this long for the broker to confirm it."""
        task = asyncio.create_task(
            self._client.publish(topic, payload, qos=_QOS, retain=retain, timeout=timeout(seconds))
        )
        self._under_way.add(task)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._under_way.discard(task)
        if task.cancelled():
            raise BrokerAwayError("PUBLISH", topic, None, "the connection was closed")
        try:
            task.result()
        except (aiomqtt.MqttError, ValueError) as error:  # ValueError: no topic
            raise BrokerAwayError("PUBLISH", topic, None, str(error)) from None

    def close(self) -> None:
        """Cancel what is under way: the library would wait for it until its time is over.

        At the stop the library waits no longer either.
        """
        for task in self._under_way:
            task.cancel()
        self._client.timeout = timeout(_LEAVE_SECONDS)

    async def messages(self) -> AsyncIterator[tuple[str, str]]:
        """Yield topic and payload of what arrives, without what was retained."""
        async for message in self._client.messages:
            if not message.retain:
                payload = bytes(message.payload or b"").decode(errors="replace")
                yield str(message.topic), payload


def _will(will: Will) -> aiomqtt.Will:
    return aiomqtt.Will(will.topic, will.payload, qos=_QOS, retain=True)


def _context(authority: bytes) -> ssl.SSLContext:
    if not authority:
        return ssl.create_default_context()
    context = ssl.create_default_context(cadata=authority)
    # Certificates that people make at home often lack what the strict rules ask for; and what they
    # give us may be the broker's own instead of its authority's.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@asynccontextmanager
async def _opened(client: aiomqtt.Client) -> AsyncIterator[None]:
    """Connect, and disconnect at the end.

    A thread connects, which goes on when we are cancelled. It gets a moment, so that what it opens
    is closed, and the library keeps no error that nobody asks for.
    """
    opening = asyncio.create_task(_enter(client))
    try:
        await asyncio.shield(opening)
    except asyncio.CancelledError:
        await asyncio.wait({opening}, timeout=timeout(_LEAVE_SECONDS))
        if opening.done() and opening.exception() is None:
            await client.__aexit__(None, None, None)
        opening.cancel()
        raise
    try:
        yield
    finally:
        await client.__aexit__(None, None, None)


async def _enter(client: aiomqtt.Client) -> None:
    await client.__aenter__()


@asynccontextmanager
async def connected(
    address: BrokerAddress, will: Will | None, topics: Iterable[str]
) -> AsyncIterator[Connection]:
    """Connect, and subscribe to these topics.

    Raises:
        BrokerRefusedError: it rejects the credentials.
        BrokerUntrustedError: its certificate is not trusted.
        BrokerAwayError: it cannot be reached, or the connection is lost.
    """
    # Reading the certificates takes a while.
    context = await asyncio.to_thread(_context, address.authority) if address.tls else None
    client = aiomqtt.Client(
        address.host,
        address.number,
        username=address.username or None,
        password=address.password or None,
        will=None if will is None else _will(will),
        # What was sent while the add-on was away is too late.
        clean_session=True,
        keepalive=_KEEP_ALIVE_SECONDS,
        timeout=timeout(_TIME_OUT),
        tls_context=context,
    )
    try:
        async with _opened(client):
            for topic in topics:
                await client.subscribe(topic, qos=_QOS)
            yield Connection(client)
    except aiomqtt.MqttError as error:
        if isinstance(why := error.__context__, ssl.SSLCertVerificationError):
            detail = why.verify_message.rstrip(".")
            raise BrokerUntrustedError("CONNECT", str(address), None, detail) from None
        code = getattr(error, "rc", None)
        is_refusal = getattr(code, "value", code) in _REFUSALS
        kind = BrokerRefusedError if is_refusal else BrokerAwayError
        raise kind("CONNECT", str(address), None, str(error)) from None
    except (OSError, ValueError) as error:  # ValueError: a host that is none
        raise BrokerAwayError("CONNECT", str(address), None, str(error)) from None
