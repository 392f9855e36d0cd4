"""Commands to inverters: checked against limits, always with an end, and on record.

A door gives a command to `controls`, and listens there for its answer: `door` is Home Assistant's
event bus, `mqtt_door` the entities of `mqtt_entities`, and `settings` what people set there.
`command` reads and `limits` checks a command, `executor` carries it out, and `watch` finishes what
was begun, when it is the inverter's turn (`turns`). Both reach the cloud with `maker` and `remote`.
`follow` compares what is there with what the inverter does. `outcomes` decides what becomes of what
is ours, `answers` says so, and `book` keeps it, with the record of all answers. `timeline` is all
that runs and comes, by whomever. All go by the time of `cloud_clock`.
"""

from collections.abc import Sequence
from pathlib import Path

from ..clock import Clock
from ..core import HomeAssistant
from ..inverters.registry import Registry
from ..options import Options
from ..polling.account import Account
from ..problems import Problems
from ..publishing.mqtt import MqttPublisher
from ..publishing.publisher import Way
from .book import Answer, Book
from .controls import Controls
from .door import EventDoor
from .limits import Ability, abilities
from .mqtt_door import MqttDoor
from .settings import Settings
from .timeline import Daily, Entry

__all__ = ["Ability", "Answer", "Controls", "Daily", "Entry", "abilities", "controls", "doors"]


def controls(
    options: Options,
    data: Path,
    accounts: Sequence[Account],
    registry: Registry,
    problems: Problems,
    clock: Clock,
) -> Controls | None:
    """Return what carries out commands; None if they are not wanted, so that no door opens."""
    return Controls(accounts, registry, problems, clock, Book(data)) if options.controls else None


def doors(
    controls: Controls | None,
    data: Path,
    publisher: Way,
    registry: Registry,
    home_assistant: HomeAssistant,
) -> Sequence[EventDoor | MqttDoor]:
    """Return the doors that have to run: one of entities only where inverters are devices."""
    if controls is None:
        return ()
    door = EventDoor(controls, home_assistant)
    if not isinstance(publisher, MqttPublisher):
        return (door,)
    return door, MqttDoor(controls, publisher, registry, Settings(data))
