"""Commands to inverters: checked against limits, always with an end, and on record.

`door` takes commands from Home Assistant's event bus, and answers them there. `command` reads and
`limits` checks them, `controls` carries them out in the cloud, `answers` says what became of them,
and `book` has what is ours there, and the record of all commands.
"""

from collections.abc import Sequence
from pathlib import Path

from ..clock import Clock
from ..core import HomeAssistant
from ..inverters.registry import Registry
from ..options import Options
from ..polling.account import Account
from .book import Book
from .controls import Controls
from .door import EventDoor


def controls(
    options: Options,
    data: Path,
    account: Account,
    registry: Registry,
    home_assistant: HomeAssistant,
    clock: Clock,
) -> Sequence[Controls | EventDoor]:
    """Return all that has to run for commands: nothing, if they are not wanted."""
    if not options.controls:
        return ()
    door = EventDoor(home_assistant, clock)
    api, throttle = account.client.controls, account.throttle
    built = Controls(api, throttle, registry, clock, Book(data), door.tell)
    door.open(built.take)
    return built, door
