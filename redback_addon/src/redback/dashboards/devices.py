"""Shows inverters as devices over MQTT, or as plain entities again, by an option of the add-on."""

import asyncio
import logging

from ..clock import Clock
from ..core import BrokerMissingError, CoreAwayError, CoreError, HomeAssistant
from ..publishing.publisher import Way
from .words import in_words

_LOG = logging.getLogger(__name__)
_OPTION = "devices"
_INTEGRATION = "mqtt"
# The page has its answer before the add-on ends.
_RESTART_SECONDS = 1.0
_GAIN = (
    "Each inverter becomes a device. Its entities can be renamed, hidden and put into an area, and"
    " they are there at once when Home Assistant has restarted."
)
_STAYS = "Entity ids, history and dashboards stay as they are. The add-on restarts."
# Only in Core's registry can an id be another one than follows from name and key; and the history
# follows only when an id is changed there.
_LOSS = (
    "Your inverters are no longer devices, and what you changed in their entities' settings is"
    " lost. Entities whose ids you changed get their first ids again, and their history stays at"
    " yours: to take it along, change those ids back first. All other ids, history and dashboards"
    " stay as they are. The add-on restarts."
)


class DeviceSetup:
    """Offers on the panel to change the option Devices, and changes it.

    Args:
        home_assistant: has the MQTT integration, or not.
        way: how they are shown now, and which broker there is.
        clock: waits before the restart.
    """

    what = "the add-on's options"

    def __init__(
        self,
        home_assistant: HomeAssistant,
        way: Way,
        clock: Clock,
    ) -> None:
        self._home_assistant = home_assistant
        self._way = way
        self._clock = clock
        self._restart: asyncio.Task[None] | None = None

    async def look(self) -> dict[str, object]:
        """Return whether it can be changed, as JSON; it never raises a CoreError."""
        if self._way.are_devices:
            return _answer(
                "ready",
                "Your inverters are devices of the MQTT integration.",
                "Show plain entities",
                _LOSS,
            )
        try:
            components = (await self._home_assistant.config()).components
            await self._way.broker.find()
        except BrokerMissingError:
            return _answer("away", f"{_GAIN} Install and start the app Mosquitto broker for that.")
        except CoreError as error:
            return _answer("away", in_words(error, self.what))
        if _INTEGRATION not in components:
            return _answer(
                "away",
                f"{_GAIN} Add the integration MQTT in Settings → Devices & services for that.",
            )
        return _answer("ready", _GAIN, "Show as devices", _STAYS)

    async def apply(self, _: str | None = None) -> str:
        """Change the option and restart; return in a sentence what was done.

        Raises:
            CoreError: it was not done.
        """
        await self._home_assistant.supervisor.set_option(_OPTION, not self._way.are_devices)
        self._restart = asyncio.create_task(self._restart_soon())
        return "The add-on restarts. This takes less than a minute."

    async def _restart_soon(self) -> None:
        await self._clock.sleep(_RESTART_SECONDS)
        try:
            await self._home_assistant.supervisor.restart()
        except CoreAwayError:
            return  # it has ended this program, and with it the request
        except CoreError as error:
            _LOG.warning("The add-on could not be restarted: %s", error)


def _answer(state: str, text: str, button: str = "", question: str = "") -> dict[str, object]:
    return {"state": state, "text": text, "button": button, "question": question}
