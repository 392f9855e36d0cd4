"""What people can have done from the page; each is a POST that the page itself must have made."""

import hmac
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

from ..backfill import NOTHING, AskedError, ask, hours, moment, span
from ..core import CoreError
from ..dashboards.words import in_words
from .context import Context, Setup

TOKEN_HEADER = "X-Redback-Token"  # noqa: S105 - the header's name
_T = TypeVar("_T")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Range(msgspec.Struct, frozen=True):
    """A time to be filled again, local; without a serial number that of all inverters."""

    since: str
    until: str
    serial: str | None = None


class ActionError(Exception):
    """It cannot be done; the text is one sentence, and the status that of the answer."""

    def __init__(self, text: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(text)
        self.status = status


class Actions:
    """The actions.

    Args:
        parts: of the service.
        token: only the page knows it.
    """

    def __init__(self, context: Context, token: str) -> None:
        self._context = context
        self._token = token.encode()

    def routes(self) -> list[web.RouteDef]:
        """Give all of them."""
        actions: dict[str, Callable[[web.Request], Awaitable[str]]] = {
            "history/pause": self._pause,
            "history/resume": self._resume,
            "history/fill": self._fill,
            **{name: _applying(setup) for name, setup in self._context.setups.items()},
        }
        return [web.post(f"/do/{path}", self._answering(act)) for path, act in actions.items()]

    def _answering(self, act: Callable[[web.Request], Awaitable[str]]) -> _Handler:
        async def handler(request: web.Request) -> web.Response:
            try:
                self._check(request)
                text, status = await act(request), HTTPStatus.OK.value
            except ActionError as error:
                text, status = str(error), error.status
            return web.json_response({"text": text}, status=status)

        return handler

    def _check(self, request: web.Request) -> None:
        """Refuse what another site has had the browser send."""
        token = request.headers.get(TOKEN_HEADER, "").encode()
        if not hmac.compare_digest(token, self._token):
            raise ActionError("This page is out of date: reload it.", HTTPStatus.FORBIDDEN)
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise ActionError("The request must come from the panel itself.", HTTPStatus.FORBIDDEN)
        if request.content_type != "application/json":
            raise ActionError("The request must be JSON.")

    async def _pause(self, _: web.Request) -> str:
        self._context.history.pause()
        self._context.saved_state.save(is_history_paused=True)
        return "Filling is paused."

    async def _resume(self, _: web.Request) -> str:
        self._context.history.resume()
        self._context.saved_state.save(is_history_paused=False)
        return "Filling has resumed."

    async def _fill(self, request: web.Request) -> str:
        wanted = await _decoded(request, _Range)
        coverage, now = self._context.coverage, self._context.clock.now()
        names = self._context.names()
        if wanted.serial is not None and wanted.serial not in names:
            raise ActionError("There is no such inverter.")
        number = 0
        try:
            since, until = moment(wanted.since), moment(wanted.until)
            for serial in names if wanted.serial is None else (wanted.serial,):
                allowed = span(coverage, serial, self._context.options.history_days, now)
                starts = hours(since, until, allowed)
                ask(coverage, serial, starts)
                number += len(starts)
        except AskedError as error:
            raise ActionError(str(error)) from None
        if not number:
            raise ActionError(NOTHING)
        return f"{number} {'hour' if number == 1 else 'hours'} will be filled again within minutes."


def _applying(setup: Setup) -> Callable[[web.Request], Awaitable[str]]:
    async def apply(_: web.Request) -> str:
        try:
            return await setup.apply()
        except CoreError as error:
            raise ActionError(in_words(error, setup.what), HTTPStatus.SERVICE_UNAVAILABLE) from None

    return apply


async def _decoded(request: web.Request, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(json.loads(await request.read()), kind)
    except (ValueError, RecursionError):
        raise ActionError("The request cannot be understood.") from None
