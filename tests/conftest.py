"""What tests of several folders use."""

import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import settings

import addon
from core.connections import websocket_through
from fake_clock import FakeClock
from redback.core import WebSocket, open_session
from redback.ledger import FILE as LEDGER_FILE
from redback.ledger import Ledger
from secret_words import leaks
from standin.broker import Broker, temporary_broker
from standin.core import Core
from standin.real_core import AnyCore, temporary_core
from standin.supervisor import TOKEN, Supervisor
from standin.versions import NEWEST, OLDEST

# The same examples every time, however slow the machine is: what fails must fail again.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")

_FORMAT = logging.Formatter("%(name)s %(message)s")


class _Watch(logging.Handler):
    """Keeps everything that is logged, tracebacks included, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(_FORMAT)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return an empty ledger."""
    ledger = Ledger(tmp_path / LEDGER_FILE)
    yield ledger
    ledger.close()


@pytest.fixture(autouse=True)
def no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which a secret is logged at whatever level, by whomever.

    What the service's own formatter would take out again is not let pass either: it is the second
    line of defence.
    """
    root, watch = logging.getLogger(), _Watch()
    level = root.level
    # The service's own log leaves it out, and a test may have set that up before.
    logging.getLogger("urllib3").setLevel(logging.NOTSET)
    caplog.handler.setLevel(logging.WARNING)  # what a test sees of the log is as without this
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(level)
    root.removeHandler(watch)
    assert not leaks("\n".join(watch.lines)), "a secret was logged"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    """A stand-in Core that runs."""
    async with Core() as core:
        yield core


@pytest.fixture
async def supervisor(core: Core) -> AsyncIterator[Supervisor]:
    """The stand-in Supervisor in front of `core`."""
    async with Supervisor(core.address, config=addon.config()) as supervisor:
        yield supervisor


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a broker."""
    for item in items:
        if "open_broker" in getattr(item, "fixturenames", ()):
            item.add_marker("broker")


@pytest.fixture
async def open_broker() -> AsyncIterator[Callable[..., Awaitable[Broker]]]:
    """Start real brokers, with what `temporary_broker` takes, that end with the test."""
    async with AsyncExitStack() as stack:
        yield lambda **settings: stack.enter_async_context(temporary_broker(**settings))


@pytest.fixture
async def broker(open_broker: Callable[..., Awaitable[Broker]]) -> Broker:
    """A real broker that lets everybody in."""
    return await open_broker()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session whose headers carry the Supervisor's token, as the add-on's do."""
    async with open_session(TOKEN) as session:
        yield session


@pytest.fixture
async def websocket(supervisor: Supervisor) -> AsyncIterator[WebSocket]:
    """The add-on's own WebSocket to `core`, ready for commands."""
    async with websocket_through(supervisor) as watched:
        yield watched.websocket


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[NEWEST, OLDEST, pytest.param("real", marks=pytest.mark.core)],
)
async def any_core(request: pytest.FixtureRequest) -> AsyncIterator[AnyCore]:
    """One Core after the other, each for a whole module: two stand-ins, and a real one."""
    kind = request.param
    async with temporary_core() if kind == "real" else Core(version=kind) as core:
        yield core


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Put the machine into the time zone of a place, such as Australia/Brisbane."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def measured(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure that a test has measured, whether the test passes or not."""

    def report(figure: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n    measured: {figure}\n")

    return report
