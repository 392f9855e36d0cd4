"""The add-on's page in Home Assistant, served on a port of its own.

server.py       the port, and who may use it
pages.py        everything that it serves: the page, its files, and data
live.py         the status as it changes
actions.py      its buttons
context.py      the parts of the service that it shows
status.py       the state of everything now
notices.py      the most urgent messages
minutes.py      today's chart and energy
calendar.py     the hours of the last days
sites.py        the sites and inverters that the account can see
entities.py     the entities that Home Assistant shows
diagnostics.py  the file for those who help
page.html       the page; its parts are in static/
"""

from .context import Context
from .pages import routes
from .server import Panel

__all__ = ["Context", "Panel", "routes"]
