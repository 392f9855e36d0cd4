"""Everything that the panel serves."""

import secrets

from aiohttp import web

from .actions import Actions
from .live import Live
from .pages import Pages
from .parts import Parts


def routes(parts: Parts) -> list[web.AbstractRouteDef]:
    """Make all routes; the page gets a token that no other site can know."""
    token = secrets.token_urlsafe()
    return [
        *Pages(parts, token).routes(),
        *Live(parts).routes(),
        *Actions(parts, token).routes(),
    ]
