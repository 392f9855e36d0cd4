"""What the panel offers about devices, and what its button does."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from fake_clock import FakeClock
from redback.core import HomeAssistant, open_session
from redback.dashboards.devices import DeviceSetup
from redback.options import Options
from redback.problems import Problems
from redback.publishing.delivery import Delivery
from redback.publishing.ways import publisher
from running import running
from standin.core import Core
from standin.supervisor import TOKEN, BrokerAddress, Supervisor

GIVEN = {
    "client_id": "id",
    "credential": "s3cret",
    "sites": [{"id": "S1", "name": "Home"}],
    "history_days": 30,
    "detailed_sensors": True,
    "devices": False,
    "mqtt": {},
    "controls": False,
    "more_accounts": [],
    "log_level": "debug",
}


@pytest.fixture
def options(supervisor: Supervisor, tmp_path: Path) -> Path:
    """The add-on's options, as the Supervisor keeps them."""
    supervisor.options = tmp_path / "options.json"
    supervisor.options.write_text(json.dumps(GIVEN))
    return supervisor.options


@pytest.fixture
def broker(core: Core, supervisor: Supervisor) -> None:
    """A broker, and Core's integration for it."""
    core.components.append("mqtt")
    supervisor.broker = BrokerAddress("core-mosquitto", 1883, "addons", "s3cret")


def write(options: Path, **changes: object) -> None:
    """Change the options, as people do."""
    options.write_text(json.dumps(GIVEN | changes))


def read(options: Path) -> object:
    """Return the options as they are now."""
    return json.loads(options.read_text())


@asynccontextmanager
async def setup(
    supervisor: Supervisor, clock: FakeClock, *, devices: bool = False
) -> AsyncIterator[DeviceSetup]:
    """Let it be connected."""
    async with open_session(TOKEN) as session, AsyncExitStack() as stack:
        problems = Problems(clock)
        home_assistant = HomeAssistant(
            session, supervisor.url, TOKEN, clock, problems, prefix="redback"
        )
        own = Options("id", "s3cret", devices=devices)
        delivery = Delivery(lambda *_: None)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        way = publisher(own, folder, home_assistant, clock, problems, delivery)
        async with running(home_assistant):
            while home_assistant.websocket.up_since is None:
                await asyncio.sleep(0.01)
            yield DeviceSetup(home_assistant, way, clock)


@pytest.mark.usefixtures("broker")
async def test_devices_are_offered_where_there_is_a_broker(
    supervisor: Supervisor, clock: FakeClock
) -> None:
    async with setup(supervisor, clock) as offered:
        looked = await offered.look()
    assert (looked["state"], looked["button"]) == ("ready", "Show as devices")
    assert "stay as they are" in str(looked["question"])


async def test_what_is_missing_is_said(
    supervisor: Supervisor, core: Core, clock: FakeClock
) -> None:
    async with setup(supervisor, clock) as offered:
        looked = await offered.look()
        assert looked["state"] == "away"
        assert "Install and start the app Mosquitto broker" in str(looked["text"])
        supervisor.broker = BrokerAddress("core-mosquitto", 1883)
        looked = await offered.look()
        assert looked["state"] == "away"
        assert "Add the integration MQTT" in str(looked["text"])
        core.components.append("mqtt")
        assert (await offered.look())["state"] == "ready"


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize("devices", [False, True])
async def test_the_button_changes_that_option_alone_and_restarts(
    supervisor: Supervisor, options: Path, clock: FakeClock, *, devices: bool
) -> None:
    write(options, devices=devices)
    restarted = asyncio.Event()

    async def restart() -> None:
        restarted.set()

    supervisor.restart_addon = restart
    async with setup(supervisor, clock, devices=devices) as offered:
        assert (await offered.apply()).startswith("The add-on restarts")
        await clock.advance(1)
        await asyncio.wait_for(restarted.wait(), 10)
    assert read(options) == GIVEN | {"devices": not devices}


async def test_devices_can_become_plain_entities_again(
    supervisor: Supervisor, clock: FakeClock
) -> None:
    async with setup(supervisor, clock, devices=True) as offered:
        looked = await offered.look()
    assert (looked["state"], looked["button"]) == ("ready", "Show plain entities")
    # Nothing that stays is promised of what does not.
    question = str(looked["question"])
    assert "Entities whose ids you changed get their first ids again" in question
    assert "All other ids, history and dashboards stay" in question


@pytest.mark.usefixtures("options")
async def test_options_that_are_refused_are_not_quoted(
    supervisor: Supervisor, clock: FakeClock
) -> None:
    supervisor.config["schema"]["client_id"] = "int"
    async with setup(supervisor, clock) as offered:
        with pytest.raises(Exception, match="HTTP status 400") as raised:
            await offered.apply()
    assert "s3cret" not in str(raised.value)
