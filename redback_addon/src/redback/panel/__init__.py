"""The add-on's page in Home Assistant, `page.html`, served on a port of its own."""

from .context import Context
from .pages import routes
from .server import Panel
