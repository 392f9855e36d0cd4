"""What people see of the add-on in Home Assistant, served on a port of its own.

server.py       the port, and who may use it
pages.py        everything that it serves: the page, its files, and data
live.py         the status as it changes
actions.py      what people can have done
context.py      the parts of the service that all this looks at
status.py       how everything is now
notices.py      what people must know first
calendar.py     the hours of the last days
sites.py        what the account can see
entities.py     what Home Assistant is shown
diagnostics.py  the file for those who help
page.html       the page; its parts are in static/
"""

from .context import Context
from .pages import routes
from .server import Panel

__all__ = ["Context", "Panel", "routes"]
