"""The broker of the tests keeps, forgets and refuses as people's brokers do."""

import ssl
from collections.abc import Awaitable, Callable

import aiomqtt
import pytest

from standin.broker import HOST, Broker

Open = Callable[..., Awaitable[Broker]]


async def test_what_is_retained_is_found_by_its_topic(broker: Broker) -> None:
    await broker.publish("house/one", "1", retain=True)
    await broker.publish("house/two", "2", retain=True)
    await broker.publish("house/passing", "3")
    await broker.publish("other", "4", retain=True)
    assert await broker.retained("house/#") == {"house/one": b"1", "house/two": b"2"}
    await broker.publish("house/one", retain=True)
    assert await broker.retained() == {"house/two": b"2", "other": b"4"}


@pytest.mark.parametrize("persistence", [True, False])
async def test_after_a_shut_down_what_is_retained_is_there_if_it_is_persistent(
    open_broker: Open, *, persistence: bool
) -> None:
    broker = await open_broker(persistence=persistence)
    await broker.publish("house", "1", retain=True)
    port = broker.port
    await broker.restart()
    assert broker.port == port
    assert await broker.retained() == ({"house": b"1"} if persistence else {})


async def test_killed_it_loses_what_was_retained_since_its_start(broker: Broker) -> None:
    await broker.publish("house", "1", retain=True)
    await broker.kill()
    with pytest.raises(aiomqtt.MqttError):
        await broker.retained()
    await broker.start()
    assert await broker.retained() == {}


async def test_only_who_knows_the_password_is_let_in(open_broker: Open) -> None:
    broker = await open_broker(username="addons", password="right")
    await broker.publish("house", "1")
    for username, password in (("addons", "wrong"), ("other", "right"), (None, None)):
        with pytest.raises(aiomqtt.MqttCodeError, match="Not authorized"):
            async with aiomqtt.Client(HOST, broker.port, username=username, password=password):
                pass
    await broker.stop()
    broker.password = "new"
    await broker.start()
    await broker.publish("house", "1")


# A client that refuses the broker leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_with_tls_its_authority_vouches_for_it(open_broker: Open) -> None:
    broker = await open_broker(tls=True)
    trusting = ssl.create_default_context(cafile=str(broker.authority))
    async with aiomqtt.Client(HOST, broker.tls_port, tls_context=trusting) as client:
        await client.publish("house", "1", qos=1, retain=True)
    assert await broker.retained() == {"house": b"1"}
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client(HOST, broker.tls_port, tls_context=ssl.create_default_context()):
            pass
