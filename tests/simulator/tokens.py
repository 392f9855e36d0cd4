"""The two token endpoints and the tokens they gave out (dossier section 1)."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from .calls import STRUCK, json_response
from .faults import Kind
from .world import Account, World

OLD_PATH = "/Api/v2/Auth/token"
NEW_PATH = "/fb46c16c-9144-45e0-87b7-f578abed629f/oauth2/v2.0/token"
SCOPE = "api://f0ea23e1-8533-44ab-8592-509cff0774da/.default"

_LIFETIME_SECONDS = 3599


@dataclass(frozen=True, slots=True)
class Token:
    """A token: whose it is, until when it is good, and how many expiries came before it."""

    account: Account
    expires: float
    expiries: int


class Tokens:
    """Issues tokens, and knows whose each is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens: dict[str, Token] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return both token endpoints."""
        return [web.post(OLD_PATH, self._old), web.post(NEW_PATH, self._new)]

    def account(self, authorization: str | None) -> Account | None:
        """Return whose token an Authorization header carries, or None if it is no good."""
        scheme, _, value = (authorization or "").partition(" ")
        token = self._tokens.get(value.strip())
        if scheme.lower() != "bearer" or token is None:
            return None
        expiries = self._world.faults.expiries(token.account.client_id)
        good = token.expires > time.time() and token.expiries == expiries
        return token.account if good else None

    async def client_id(self, request: web.Request) -> str | None:
        """Return who makes a request, by its token or by its form; None if nobody that is known."""
        if request.path in {OLD_PATH, NEW_PATH}:
            return (await _form(request)).get("client_id")
        value = request.headers.get("Authorization", "").rpartition(" ")[2]
        token = self._tokens.get(value)
        return None if token is None else token.account.client_id

    async def _old(self, request: web.Request) -> web.Response:
        form = await _form(request)
        if form.get("grant_type", "client_credentials") != "client_credentials":
            return _old_error(400, "unsupported_grant_type")
        account = self._find(form.get("client_id"))
        if account is None or account.accepts == "new":
            return _old_error(400, "unauthorized_client")
        if self._refuses(request, account, form):
            return _old_error(401, "invalid_client")
        return self._issue(account)

    async def _new(self, request: web.Request) -> web.Response:
        form = await _form(request)
        if "grant_type" not in form:
            return _new_error(400, "invalid_request")
        if form["grant_type"] != "client_credentials":
            return _new_error(400, "unsupported_grant_type")
        if form.get("scope") != SCOPE:
            return _new_error(400, "invalid_scope")
        account = self._find(form.get("client_id"))
        if account is None or account.accepts == "old":
            return _new_error(400, "unauthorized_client")
        if self._refuses(request, account, form):
            return _new_error(401, "invalid_client")
        return self._issue(account, ext_expires_in=_LIFETIME_SECONDS)

    def _find(self, client_id: str | None) -> Account | None:
        mine = (account for account in self._world.accounts if account.client_id == client_id)
        return next(mine, None)

    def _refuses(self, request: web.Request, account: Account, form: Mapping[str, str]) -> bool:
        wrong = form.get("client_secret") != account.credential
        return wrong or request[STRUCK].first(Kind.WRONG_SECRET) is not None

    def _issue(self, account: Account, **more: int) -> web.Response:
        now = time.time()
        self._tokens = {text: old for text, old in self._tokens.items() if old.expires > now}
        text = f"eyJ0eXAi.SIMULATED.{secrets.token_urlsafe(24)}"
        expiries = self._world.faults.expiries(account.client_id)
        self._tokens[text] = Token(account, now + _LIFETIME_SECONDS, expiries)
        lasts = {"expires_in": _LIFETIME_SECONDS, **more}
        return json_response({"token_type": "Bearer", **lasts, "access_token": text})


async def _form(request: web.Request) -> dict[str, str]:
    """Return the text fields of a form-encoded body."""
    fields = await request.post()
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _old_error(status: int, error: str) -> web.Response:
    sentence = f"Simulated: {error.replace('_', ' ')}."
    return json_response({"error": error, "error_description": sentence}, status)


def _new_error(status: int, error: str) -> web.Response:
    when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(time.time()))
    body = {
        "error": error,
        "error_description": f"SIM0001: {error.replace('_', ' ')}.",
        "error_codes": [1],
        "timestamp": when,
        "trace_id": "00000000-0000-0000-0000-000000000001",
        "correlation_id": "00000000-0000-0000-0000-000000000002",
        "error_uri": "https://login.example/error?code=1",
    }
    return json_response(body, status)
