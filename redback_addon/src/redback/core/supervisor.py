"""The Supervisor's information about this add-on."""

import logging

import aiohttp
import msgspec

from ..clock import Clock
from ..timeouts import timeout
from .versions import is_since

_LOG = logging.getLogger(__name__)

_PATH = "/addons/self/info"
_TIME_OUT = 10
_AGAIN_SECONDS = 5 * 60.0
# Since then Home Assistant calls add-ons apps, and shows their options elsewhere.
_APPS_SINCE = (2026, 2)


class _Info(msgspec.Struct, frozen=True):
    slug: str


class _Answer(msgspec.Struct, frozen=True):
    data: _Info


class Supervisor:
    """Asks the Supervisor once where Home Assistant shows this add-on."""

    def __init__(self, session: aiohttp.ClientSession, supervisor_url: str, clock: Clock) -> None:
        self._session = session
        self._url = supervisor_url + _PATH
        self._clock = clock
        self._slug: str | None = None

    async def run(self) -> None:
        """Ask until the Supervisor answers."""
        limit = aiohttp.ClientTimeout(total=timeout(_TIME_OUT))
        while self._slug is None:
            try:
                async with self._session.get(self._url, timeout=limit) as answer:
                    self._slug = msgspec.json.decode(await answer.read(), type=_Answer).data.slug
            except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
                _LOG.debug("GET %s: %s", _PATH, type(error).__name__)
                await self._clock.sleep(_AGAIN_SECONDS)

    def options_url(self, version: str | None) -> str | None:
        """Return the path of the options in this version of Core; None before the answer."""
        if self._slug is None:
            return None
        folder = "config/app" if is_since(version, _APPS_SINCE) else "hassio/addon"
        return f"/{folder}/{self._slug}/config"
