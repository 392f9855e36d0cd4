"""The publisher that the tests of devices share."""

from pathlib import Path

import pytest

from fake_clock import FakeClock
from publishing.devices_home import Home
from standin.broker import Broker
from standin.core import Core
from standin.supervisor import Supervisor


@pytest.fixture
def home(
    core: Core, broker: Broker, supervisor: Supervisor, clock: FakeClock, tmp_path: Path
) -> Home:
    core.components.append("mqtt")
    return Home(core, broker, supervisor, clock, tmp_path)
