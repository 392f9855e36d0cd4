"""Everything that the panel serves."""

import secrets

from aiohttp import web

from .actions import Actions
from .context import Context
from .live import Live
from .pages import Pages


def routes(context: Context) -> list[web.AbstractRouteDef]:
    """Make all routes; the page gets a token that no other site can know."""
    token = secrets.token_urlsafe()
    return [
        *Pages(context, token).routes(),
        *Live(context).routes(),
        *Actions(context, token).routes(),
    ]
