"""The Supervisor: where this add-on is shown, its options, and the MQTT broker."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import aiohttp
import msgspec

from ..clock import Clock
from ..timeouts import timeout
from .broker_address import BrokerAddress
from .errors import BrokerAwayError, BrokerMissingError, CoreAwayError, CoreRefusedError
from .versions import is_since

_LOG = logging.getLogger(__name__)

_INFO, _MQTT = "/addons/self/info", "/services/mqtt"
_OPTIONS, _RESTART = "/addons/self/options", "/addons/self/restart"
_TIME_OUT = 10
_AGAIN_SECONDS = 5 * 60.0
# Since then Home Assistant calls add-ons apps, and shows their panels and options elsewhere.
_APPS_SINCE = (2026, 2)
# No broker app has registered itself: none is installed, or it is starting.
_NO_SERVICE = 400
_ERRORS = (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError)


class _Info(msgspec.Struct, frozen=True):
    slug: str


class _Given(msgspec.Struct, frozen=True):
    options: dict[str, Any]


class _Service(msgspec.Struct, frozen=True):
    host: str
    port: int
    username: str = ""
    password: str = ""
    ssl: bool = False


_T = TypeVar("_T")


class Supervisor:
    """Asks the Supervisor, once, where Home Assistant shows this add-on; and for the broker."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        supervisor_url: str,
        clock: Clock,
        on_secret: Callable[[str], None],
    ) -> None:
        self._session = session
        self._url = supervisor_url
        self._clock = clock
        self._on_secret = on_secret
        self._slug: str | None = None
        self._answered = asyncio.Event()
        self._limit = aiohttp.ClientTimeout(total=timeout(_TIME_OUT))

    async def run(self) -> None:
        """Ask until the Supervisor answers."""
        while self._slug is None:
            try:
                self._slug = (await self._get(_INFO, _Info)).slug
            except _ERRORS as error:
                _LOG.debug("GET %s: %s", _INFO, type(error).__name__)
                await self._clock.sleep(_AGAIN_SECONDS)
        self._answered.set()

    async def answered(self) -> None:
        """Wait until it is known where Home Assistant shows this add-on."""
        await self._answered.wait()

    def options_url(self, version: str | None) -> str | None:
        """Return the path of the options in this version of Core; None before the answer."""
        if self._slug is None:
            return None
        folder = "config/app" if is_since(version, _APPS_SINCE) else "hassio/addon"
        return f"/{folder}/{self._slug}/config"

    def panel_url(self, version: str | None) -> str | None:
        """Return the panel's address, as a device's page in this version of Core takes it.

        It is None before the answer. A newer Core no longer has the older page (core PR 161264).
        """
        if self._slug is None:
            return None
        folder = "app" if is_since(version, _APPS_SINCE) else "hassio/ingress"
        return f"homeassistant://{folder}/{self._slug}"

    async def broker(self) -> BrokerAddress:
        """Return the broker that an app provides.

        Raises:
            BrokerMissingError: there is none, or it is starting.
            BrokerAwayError: the Supervisor does not say.
        """
        try:
            found = await self._get(_MQTT, _Service)
        except _ERRORS as error:
            status = getattr(error, "status", None)
            kind = BrokerMissingError if status == _NO_SERVICE else BrokerAwayError
            detail = f"the Supervisor does not tell ({type(error).__name__})"
            raise kind("GET", _MQTT, status, detail) from None
        self._on_secret(found.password)
        return BrokerAddress(found.host, found.port, found.username, found.password, found.ssl)

    async def set_option(self, name: str, value: object) -> None:
        """Change one of the add-on's options, from its next start on.

        Raises:
            CoreAwayError: the Supervisor does not answer.
            CoreRefusedError: it does not accept that.
        """
        try:
            # As people have entered them: elsewhere the Supervisor puts secrets in their places.
            options = (await self._get(_INFO, _Given)).options
        except _ERRORS as error:
            raise CoreAwayError("GET", _INFO, None, type(error).__name__) from None
        await self._post(_OPTIONS, {"options": options | {name: value}})

    async def restart(self) -> None:
        """Restart the add-on; raise as `set_option` does."""
        await self._post(_RESTART, {})

    async def _post(self, path: str, body: Mapping[str, object]) -> None:
        try:
            async with self._session.post(
                self._url + path, json=body, timeout=self._limit
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CoreAwayError("POST", path, None, type(error).__name__) from None
        if status >= 400:  # noqa: PLR2004 - HTTP's own range of failure
            # What it says of options quotes them, with their secrets.
            raise CoreRefusedError("POST", path, status, f"HTTP status {status}")

    async def _get(self, path: str, kind: type[_T]) -> _T:
        async with self._session.get(
            self._url + path, timeout=self._limit, raise_for_status=True
        ) as answer:
            body = msgspec.json.decode(await answer.read(), type=dict[str, Any])
        return msgspec.convert(body.get("data"), kind)
