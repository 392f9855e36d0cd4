"""Commands to inverters: checked against limits, always with an end, and on record.

A door, such as `door` for Home Assistant's event bus, gives a command to `controls`, and listens
there for its answer. `command` reads and `limits` checks it, `executor` carries it out, and `watch`
finishes what was begun, when it is the inverter's turn (`turns`). Both reach the cloud with `maker`
and `remote`. `follow` compares what is there with what the inverter does. `outcomes` decides what
becomes of what is ours, `answers` says so, and `book` keeps it, with the record of all answers.
`timeline` is all that runs and comes, by whomever.
"""

from collections.abc import Sequence
from pathlib import Path

from ..clock import Clock
from ..core import HomeAssistant
from ..inverters.registry import Registry
from ..options import Options
from ..polling.account import Account
from ..problems import Problems
from .book import Answer, Book
from .controls import Controls
from .door import EventDoor
from .limits import Ability, abilities
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
    controls: Controls | None, home_assistant: HomeAssistant, clock: Clock
) -> Sequence[EventDoor]:
    """Return the doors that have to run."""
    return () if controls is None else (EventDoor(controls, home_assistant, clock),)
