"""Home Assistant Core, as it is reached through the Supervisor; nothing of Redback is known here.

home_assistant.py  all of it as one object, and the problems of reaching it
rest.py            states and services over REST
websocket.py       one WebSocket, to know when Core comes and goes, and to give it commands
statistics.py      long-term statistics, read and written over it
metadata.py        what Core keeps of a statistic beside its rows
energy.py          the Energy dashboard: what is added to it
preferences.py     how its sources are written in each version of Core
dashboards.py      other dashboards
supervisor.py      what the Supervisor knows of this add-on
versions.py        Core's version, as far as commands depend on it
sync.py            what Core should show, and its way there
errors.py          what can go wrong, by kind
state.py           one entity's state
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
from .rest import Rest
from .session import open_session
from .state import UNAVAILABLE, UNKNOWN, State
from .statistics import Period, Row, Statistics
from .supervisor import Supervisor
from .sync import Sync
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
    "WebSocket",
    "open_session",
]
