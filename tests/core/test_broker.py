"""That the connection to a real broker is kept up, and that the panel says why it is not."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
import trustme

from fake_clock import FakeClock
from house import until
from redback.core import Broker, BrokerAddress, BrokerAwayError, BrokerMissingError, Will
from redback.options import authority
from redback.problems import Kind, Problems
from running import running
from standin.broker import HOST
from standin.broker import Broker as Mosquitto

Open = Callable[..., Awaitable[Mosquitto]]
WILL = Will("redback/status", "offline")


class Listener:
    """Notes what it is called with."""

    def __init__(self) -> None:
        self.connections = 0
        self.messages: list[tuple[str, str]] = []

    def broker_connected(self) -> None:
        self.connections += 1

    def broker_message(self, topic: str, payload: str) -> None:
        self.messages.append((topic, payload))


@pytest.fixture
def problems(clock: FakeClock) -> Problems:
    return Problems(clock)


def broker(address: BrokerAddress | Exception, clock: FakeClock, problems: Problems) -> Broker:
    """Make a connection to what is found at an address, or to nothing."""

    async def find() -> BrokerAddress:
        if isinstance(address, Exception):
            raise address
        return address

    return Broker(find, clock, problems, WILL)


def at(mosquitto: Mosquitto) -> BrokerAddress:
    """Return the address as the Supervisor tells it."""
    found = mosquitto.address
    return BrokerAddress(found.host, found.port, found.username, found.password)


async def passing(clock: FakeClock, condition: Callable[[], object]) -> None:
    """Let time pass until something is so."""

    async def is_so() -> object:
        await clock.advance(5)
        return condition()

    await until(is_so)


async def test_messages_are_retained_and_the_end_is_published(
    open_broker: Open, clock: FakeClock, problems: Problems
) -> None:
    mosquitto = await open_broker(username="addons", password="s3cret")
    ours = broker(at(mosquitto), clock, problems)
    with pytest.raises(BrokerAwayError):
        await ours.publish("redback/one", "1")
    async with running(ours):
        await asyncio.wait_for(ours.ready(), 10)
        await ours.publish("redback/one", "1")
        await ours.publish("redback/status", "online")
        assert await mosquitto.retained() == {"redback/one": b"1", "redback/status": b"online"}
        await ours.tell("redback/two", "2")
        assert ours.messages == 3
        await ours.publish("redback/one", "")
    assert await mosquitto.retained() == {"redback/status": b"offline"}
    assert not problems.now


async def test_a_connection_that_is_lost_comes_back_and_is_reported(
    open_broker: Open, clock: FakeClock, problems: Problems
) -> None:
    mosquitto = await open_broker()
    ours, listener = broker(at(mosquitto), clock, problems), Listener()
    ours.listen(listener, "homeassistant/status")
    async with running(ours):
        await asyncio.wait_for(ours.ready(), 10)
        await mosquitto.publish("homeassistant/status", "online")
        await until(lambda: listener.messages == [("homeassistant/status", "online")])
        await mosquitto.publish("homeassistant/status", "online", retain=True)
        await mosquitto.stop()
        await passing(clock, lambda: problems.find(Kind.BROKER_AWAY))
        assert not ours.is_up
        await mosquitto.start()
        await passing(clock, lambda: ours.is_up)
        assert listener.connections == 2
        await mosquitto.publish("homeassistant/status", "offline")
        await until(lambda: listener.messages[-1][1] == "offline")
        # What was retained came again with the new connection, and says nothing of now.
        assert [payload for _, payload in listener.messages] == ["online", "online", "offline"]
    assert not problems.now


async def test_wrong_credentials_are_named_and_seldom_tried(
    open_broker: Open, clock: FakeClock, problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    mosquitto = await open_broker(username="addons", password="s3cret")
    wrong = BrokerAddress(HOST, mosquitto.port, "addons", "wr0ng-one")
    ours = broker(wrong, clock, problems)
    async with running(ours):
        await until(lambda: problems.find(Kind.BROKER_REFUSED))
        # It may have been about to start, so it is asked once more soon; then rarely.
        await passing(clock, lambda: problems.now[Kind.BROKER_REFUSED, None].count == 2)
        await clock.advance(50)
        await asyncio.sleep(0.1)
        assert problems.now[Kind.BROKER_REFUSED, None].count == 2
        await passing(clock, lambda: problems.now[Kind.BROKER_REFUSED, None].count == 3)
    assert "wr0ng-one" not in caplog.text
    assert "wr0ng-one" not in repr(wrong)


# The library leaves the socket of a handshake that failed to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_with_tls_must_prove_who_it_is(
    open_broker: Open, clock: FakeClock, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    mosquitto = await open_broker(tls=True)
    ours = broker(BrokerAddress(HOST, mosquitto.tls_port, tls=True), clock, problems)
    async with running(ours):
        await until(lambda: problems.find(Kind.BROKER_UNTRUSTED))
        found = problems.find(Kind.BROKER_UNTRUSTED)
        assert found is not None
        assert found.sentence == (
            "The MQTT broker's certificate is not trusted: unable to get local issuer certificate."
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(mosquitto.authority))
        await passing(clock, lambda: ours.is_up)
        await ours.publish("redback/one", "1")
    assert await mosquitto.retained("redback/one") == {"redback/one": b"1"}


# The library leaves the socket of a handshake that failed to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("tls", [True, False])
async def test_who_mixes_up_a_port_with_tls_and_one_without_is_advised_about_tls(
    open_broker: Open,
    clock: FakeClock,
    problems: Problems,
    monkeypatch: pytest.MonkeyPatch,
    *,
    tls: bool,
) -> None:
    # One that waits for a handshake says nothing.
    monkeypatch.setattr("redback.core.mqtt_connection._TIME_OUT", 1.0)
    mosquitto = await open_broker(tls=True)
    port = mosquitto.port if tls else mosquitto.tls_port
    async with running(ours := broker(BrokerAddress(HOST, port, tls=tls), clock, problems)):
        await until(lambda: problems.find(Kind.BROKER_AWAY))
        assert not ours.is_up
        (problem,) = problems.now.values()
        assert "switch TLS on if that port is one for TLS, otherwise off" in problem.advice
    gc.collect()


@pytest.mark.parametrize("line", ["\n", "", " "])
async def test_a_certificate_of_ones_own_is_enough_however_it_was_pasted(
    open_broker: Open, clock: FakeClock, problems: Problems, line: str
) -> None:
    mosquitto = await open_broker(tls=True)
    pasted = line.join(mosquitto.authority.read_text().splitlines())
    address = BrokerAddress(HOST, mosquitto.tls_port, tls=True, authority=authority(pasted))
    async with running(ours := broker(address, clock, problems)):
        await asyncio.wait_for(ours.ready(), 10)
    assert not problems.now


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_certificate_of_another_authority_or_name_is_not_trusted(
    open_broker: Open, clock: FakeClock, problems: Problems
) -> None:
    mosquitto = await open_broker(tls=True)
    ours = authority(mosquitto.authority.read_text())
    other = authority(trustme.CA().cert_pem.bytes().decode())
    for host, trusted in ((HOST, other), ("localhost", ours)):
        address = BrokerAddress(host, mosquitto.tls_port, tls=True, authority=trusted)
        async with running(broker(address, clock, problems)):
            await until(lambda: problems.find(Kind.BROKER_UNTRUSTED))
        problems.clear(Kind.BROKER_UNTRUSTED)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_whoever_stops_while_it_connects_leaves_nothing_behind(
    open_broker: Open, clock: FakeClock, problems: Problems, caplog: pytest.LogCaptureFixture
) -> None:
    mosquitto = await open_broker()
    for moments in range(0, 40, 2):
        async with running(broker(at(mosquitto), clock, problems)):
            for _ in range(moments):
                await asyncio.sleep(0.0005)
        gc.collect()
    assert "never retrieved" not in caplog.text


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (BrokerMissingError("GET", "/services/mqtt", 400, "none"), Kind.BROKER_MISSING),
        (BrokerAddress(HOST, 1), Kind.BROKER_AWAY),
        (BrokerAddress("no such host", 1883), Kind.BROKER_AWAY),
        (BrokerAddress("x" * 300, 1883), Kind.BROKER_AWAY),
    ],
)
async def test_a_broker_that_is_not_there_is_a_problem_and_no_crash(
    clock: FakeClock, problems: Problems, address: BrokerAddress | Exception, kind: Kind
) -> None:
    async with running(broker(address, clock, problems)):
        await until(lambda: problems.find(kind))
        await passing(clock, lambda: problems.now[kind, None].count > 1)
        assert [one for one, _ in problems.now] == [kind]


async def test_where_there_is_no_broker_it_is_looked_for_less_often_after_five_minutes(
    clock: FakeClock, problems: Problems
) -> None:
    async with running(
        broker(BrokerMissingError("GET", "/services/mqtt", 400, "none"), clock, problems)
    ):
        await clock.advance(5 * 60)
        soon = problems.now[Kind.BROKER_MISSING, None].count
        assert soon == pytest.approx(5 * 60 / 4, abs=2)
        await clock.advance(60 * 60)
        later = problems.now[Kind.BROKER_MISSING, None].count - soon
        assert later == pytest.approx(60 * 60 / 30, abs=2)
