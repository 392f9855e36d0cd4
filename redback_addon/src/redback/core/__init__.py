"""Home Assistant Core, reached through the Supervisor; nothing of Redback is known here.

home_assistant.py  all of it as one object, and the problems of reaching it
rest.py            states and services over REST
websocket.py       one WebSocket, for commands and events, and to notice Core's restarts
statistics.py      long-term statistics, read and written over it
metadata.py        the metadata of a statistic, for each version of Core
energy.py          the Energy dashboard: sources are added to it
preferences.py     how its sources are written in each version of Core
dashboards.py      other dashboards
users.py           who may change something
supervisor.py      the add-on's options page
versions.py        comparing Core's version
sync.py            sends what Core should show, and resends it
errors.py          what can go wrong, by kind
notices.py         persistent notifications
session.py         the Supervisor's token, in each request and nowhere else
"""

from .dashboards import Dashboard, Dashboards
from .energy import Energy, Issue
from .errors import CoreAwayError, CoreError, CoreRefusedError
from .home_assistant import HomeAssistant
from .metadata import Series
from .notices import Notices
from .preferences import Kind, Planned, Role, Source
from .rest import UNAVAILABLE, UNKNOWN, Rest, State
from .session import open_session
from .statistics import Period, Row, Statistics
from .supervisor import Supervisor
from .sync import Sync
from .users import Users
from .websocket import WebSocket

__all__ = [
    "UNAVAILABLE",
    "UNKNOWN",
    "CoreAwayError",
    "CoreError",
    "CoreRefusedError",
    "Dashboard",
    "Dashboards",
    "Energy",
    "HomeAssistant",
    "Issue",
    "Kind",
    "Notices",
    "Period",
    "Planned",
    "Rest",
    "Role",
    "Row",
    "Series",
    "Source",
    "State",
    "Statistics",
    "Supervisor",
    "Sync",
    "Users",
    "WebSocket",
    "open_session",
]
