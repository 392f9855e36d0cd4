"""The actions of the page: each is a POST that only the page can make, for an administrator."""

import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

from ..backfill import NOTHING, RefillError, hours, moment, request_hours, span
from ..controls import Answer
from ..core import CoreError
from ..dashboards.words import in_words, listed
from .context import Context, Setup
from .control import Commands

# The Supervisor sets it, and drops one that a browser sends.
USER_HEADER = "X-Remote-User-Id"
TOKEN_HEADER = "X-Redback-Token"  # noqa: S105 - the header's name
_Action = Callable[[Context, web.Request], Awaitable[str]]
_Body = TypeVar("_Body")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Range(msgspec.Struct, frozen=True):
    """A local time to fill again; without a serial number, of all inverters."""

    since: str
    until: str
    serial: str | None = None


class _Number(msgspec.Struct, frozen=True):
    """A correction of sums to take back."""

    number: int


class _Name(msgspec.Struct, frozen=True):
    """The inverter whose grid is set up on request alone; None = set up everything else."""

    name: str | None = None


class _Serial(msgspec.Struct, frozen=True):
    """An inverter to forget."""

    serial: str


class _Key(msgspec.Struct, frozen=True):
    """A schedule or an envelope to delete."""

    serial: str
    key: str


class ActionError(Exception):
    """The action cannot be done; the text is one sentence, and the status that of the answer."""

    def __init__(self, text: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(text)
        self.status = status


def routes(context: Context, token: str) -> list[web.RouteDef]:
    """Return the routes of all actions; only the page knows the token."""
    actions: dict[str, _Action] = {
        "history/pause": _pause,
        "history/resume": _resume,
        "history/retry": _retry,
        "history/fill": _fill,
        "history/take-back": _take_back,
        "forget": _forget,
        **_controls(context),
        **{name: _applying(setup) for name, setup in context.setups.items()},
    }
    return [web.post(f"/do/{path}", _handler(context, token, do)) for path, do in actions.items()]


def _handler(context: Context, token: str, action: _Action) -> _Handler:
    async def handler(request: web.Request) -> web.Response:
        try:
            _check(request, token)
            await _authorise(context, request)
            text, status = await action(context, request), HTTPStatus.OK.value
        except ActionError as error:
            text, status = str(error), error.status
        return web.json_response({"text": text}, status=status)

    return handler


def _check(request: web.Request, token: str) -> None:
    """Refuse a request that another site made the browser send."""
    if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), token.encode()):
        raise ActionError("This page is out of date: reload it.", HTTPStatus.FORBIDDEN)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ActionError("The request must come from the panel itself.", HTTPStatus.FORBIDDEN)
    if request.content_type != "application/json":
        raise ActionError("The request must be JSON.")


async def _authorise(context: Context, request: web.Request) -> None:
    """Refuse whoever is not known to be an administrator: Core lets every user open the page."""
    users = request.headers.getall(USER_HEADER, [])
    if len(users) != 1:
        raise ActionError(
            "Home Assistant did not say who you are: open the panel from its sidebar.",
            HTTPStatus.FORBIDDEN,
        )
    try:
        is_allowed = await context.home_assistant.users.is_administrator(users[0])
    except CoreError:
        raise ActionError(
            "Home Assistant does not say whether you are an administrator. Try again in a moment.",
            HTTPStatus.SERVICE_UNAVAILABLE,
        ) from None
    if not is_allowed:
        raise ActionError(
            "Only administrators of Home Assistant can change something here.",
            HTTPStatus.FORBIDDEN,
        )


async def _pause(context: Context, _: web.Request) -> str:
    context.backfill.pause()
    context.saved_state.save(is_history_paused=True)
    return "Filling is paused."


async def _resume(context: Context, _: web.Request) -> str:
    context.backfill.resume()
    context.saved_state.save(is_history_paused=False)
    return "Filling has resumed."


async def _retry(context: Context, _: web.Request) -> str:
    context.accounts.retry()
    context.backfill.retry()
    return "Trying again."


async def _fill(context: Context, request: web.Request) -> str:
    wanted = await _decode(request, _Range)
    coverage, names, now = context.coverage, context.registry.names, context.clock.now()
    if wanted.serial is not None and wanted.serial not in names:
        raise ActionError("There is no such inverter.")
    serials = names if wanted.serial is None else (wanted.serial,)
    unread = [serial for serial in serials if coverage.begun(serial) is None]
    left_out = f"There is no history of {listed(sorted(names[one].name for one in unread))} yet"
    starts: dict[str, list[datetime]] = {}
    try:
        since, until = moment(wanted.since), moment(wanted.until)
        for serial in serials:
            if serial not in unread:
                allowed = span(coverage, serial, context.options.history_days, now)
                starts[serial] = hours(since, until, allowed)
        if unread and not starts:
            raise ActionError(f"{left_out}: it begins with the first reading.")
        number = sum(map(len, starts.values()))
        if not number:
            raise ActionError(NOTHING)
        for serial, each in starts.items():
            request_hours(coverage, serial, each)
    except RefillError as error:
        raise ActionError(str(error)) from None
    many = "1 hour" if number == 1 else f"{number} hours"
    rest = f" {left_out}." if unread else ""
    return f"{many} will be filled again within minutes.{rest}"


async def _take_back(context: Context, request: web.Request) -> str:
    wanted = await _decode(request, _Number)
    try:
        await context.importer.take_back(wanted.number)
    except RefillError as error:
        raise ActionError(str(error)) from None
    except CoreError as error:
        text = in_words(error, "statistics")
        raise ActionError(text, HTTPStatus.SERVICE_UNAVAILABLE) from None
    return "The correction was taken back."


async def _forget(context: Context, request: web.Request) -> str:
    wanted = await _decode(request, _Serial)
    if wanted.serial not in context.accounts.gone:
        raise ActionError("Your account has this inverter, or it is already forgotten.")
    context.accounts.forget(wanted.serial)
    return "The inverter is forgotten."


def _controls(context: Context) -> dict[str, _Action]:
    """Return the actions of the section Control: none can be, if the option is off."""
    controls = context.controls
    if controls is None:
        return {"control": _off, "control/delete": _off}
    commands = Commands(controls)

    async def send(_: Context, request: web.Request) -> str:
        return _told(await commands.send(await _decode(request, dict[str, object])))

    async def delete(_: Context, request: web.Request) -> str:
        wanted = await _decode(request, _Key)
        return _told(await controls.delete(wanted.serial, wanted.key, "panel"))

    return {"control": send, "control/delete": delete}


async def _off(_: Context, __: web.Request) -> str:
    raise ActionError("Switch on the option Controls first.", HTTPStatus.FORBIDDEN)


def _told(answer: Answer) -> str:
    text = answer.reason or f"{answer.result.capitalize()}."
    if answer.result == "refused":
        raise ActionError(text)
    if answer.result == "failed":
        raise ActionError(text, HTTPStatus.SERVICE_UNAVAILABLE)
    return text


async def _decode(request: web.Request, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (ValueError, RecursionError):
        raise ActionError("The request cannot be understood.") from None


def _applying(setup: Setup) -> _Action:
    async def apply(_: Context, request: web.Request) -> str:
        wanted = await _decode(request, _Name)
        try:
            return await setup.apply(wanted.name)
        except CoreError as error:
            raise ActionError(in_words(error, setup.what), HTTPStatus.SERVICE_UNAVAILABLE) from None

    return apply
