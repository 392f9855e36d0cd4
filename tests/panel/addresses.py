"""Every address that the panel answers, as its server has them."""

from types import SimpleNamespace
from typing import cast

from aiohttp import web

from redback.clock import Clock
from redback.core import HomeAssistant
from redback.dashboards import setups
from redback.inverters.registry import Registry
from redback.panel import Context, Panel, routes
from redback.publishing.publisher import Way


def addresses() -> set[str]:
    """Return method and path of each, such as "POST do/forget"; "GET /" is the page itself."""
    home_assistant = cast("HomeAssistant", SimpleNamespace(websocket=None, energy=None))
    way = cast("Way", SimpleNamespace(ownership=None))
    every = setups(home_assistant, cast("Registry", None), way, cast("Clock", None))
    context = cast("Context", SimpleNamespace(controls=None, setups=every))
    router = Panel(0, (), routes(context)).application().router
    return {
        f"{route.method} {route.resource.canonical.lstrip('/') or '/'}"
        for route in router.routes()
        if route.resource is not None
        and not isinstance(route.resource, web.StaticResource)
        and route.method != "HEAD"  # which comes with each GET
    }


def actions() -> list[str]:
    """Return the paths below do/ of all buttons."""
    return sorted(one.removeprefix("POST do/") for one in addresses() if one.startswith("POST"))
