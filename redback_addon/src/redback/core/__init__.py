"""Home Assistant Core, as it is reached through the Supervisor; nothing of Redback is known here.

rest.py          states and services over REST
websocket.py     one WebSocket, to know when Core comes and goes, and to give it commands
conversation.py  what is said on it
statistics.py    long-term statistics, read and written over it
metadata.py      what Core keeps of a statistic beside its rows
energy.py        the Energy dashboard: what is added to it
preferences.py   how its sources are written in each version of Core
dashboards.py    other dashboards
supervisor.py    what the Supervisor knows of this add-on
versions.py      Core's version, as far as commands depend on it
sync.py          what Core should show, and its way there
retry.py         how often Core is tried again
errors.py        what can go wrong, by kind
state.py         one entity's state
notices.py       persistent notifications
session.py       the Supervisor's token, in each request and nowhere else
"""

from .dashboards import Dashboard, Dashboards
from .energy import Energy, Issue
from .errors import CoreAwayError, CoreError, CoreRefusedError
from .metadata import Series
from .notices import Notices
from .preferences import Kind, Planned, Role, Source
from .rest import CoreRest
from .session import open_session
from .state import UNAVAILABLE, UNKNOWN, State
from .statistics import Period, Row, Statistics
from .supervisor import AddOn
from .sync import Sync
from .websocket import CoreWebSocket

__all__ = [
    "UNAVAILABLE",
    "UNKNOWN",
    "AddOn",
    "CoreAwayError",
    "CoreError",
    "CoreRefusedError",
    "CoreRest",
    "CoreWebSocket",
    "Dashboard",
    "Dashboards",
    "Energy",
    "Issue",
    "Kind",
    "Notices",
    "Period",
    "Planned",
    "Role",
    "Row",
    "Series",
    "Source",
    "State",
    "Statistics",
    "Sync",
    "open_session",
]
