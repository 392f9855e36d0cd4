"""The parts of the service that the panel shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..backfill import Backfills, Coverage, Importer
from ..clock import Clock
from ..cloud import Transport
from ..controls import Controls
from ..core import HomeAssistant
from ..inverters.inverter import Inverter
from ..inverters.registry import Registry
from ..notifications import Notifications
from ..options import Options
from ..polling.accounts import Accounts
from ..problems import Problems
from ..publishing.publisher import Way
from ..saved_state import SavedState
from .minutes import Minutes


class Setup(Protocol):
    """Sets up something in Home Assistant; `what` it is, in words, as in "its dashboards"."""

    what: str

    async def look(self) -> dict[str, object]:
        """Return what is there and what can be added, as JSON; it never raises a CoreError."""

    async def apply(self, name: str | None = None, /) -> str:
        """Add what is missing, and return in one sentence what was done.

        With a name, add what belongs to it, though it is not added otherwise.

        Raises:
            CoreError: it was not done; after a CoreAwayError it may have been.
        """


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the service; the setups are by the last part of their addresses.

    `controls` is None if the option Controls is off.
    """

    version: str
    started_at: datetime
    options: Options
    clock: Clock
    accounts: Accounts
    transport: Transport
    home_assistant: HomeAssistant
    problems: Problems
    notifications: Notifications
    saved_state: SavedState
    registry: Registry
    publisher: Way
    minutes: Minutes
    coverage: Coverage
    backfill: Backfills
    importer: Importer
    controls: Controls | None
    setups: Mapping[str, Setup]


def own_ids(context: Context, inverter: Inverter) -> dict[str, str]:
    """Return the ids of an inverter's sensors by key, but those that somebody else has."""
    ownership = context.publisher.ownership
    return {key: one for key, one in ownership.ids(inverter).items() if not ownership.is_taken(one)}
