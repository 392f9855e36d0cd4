"""Home Assistant Core, reached through the Supervisor; nothing of Redback is known here."""

from .broker import Broker
from .broker_address import BrokerAddress, Will
from .dashboards import Dashboard, Dashboards
from .energy import Energy, Issue
from .entities import Entities, Registered
from .errors import (
    BrokerAwayError,
    BrokerMissingError,
    CoreAwayError,
    CoreError,
    CoreRefusedError,
    CoreSilentError,
)
from .home_assistant import HomeAssistant
from .metadata import Series
from .notices import Notices
from .preferences import Kind, Planned, Priced, Role, Source
from .rest import UNAVAILABLE, UNKNOWN, Rest, State
from .session import open_session
from .statistics import ROWS_TO_PUT, Growth, Period, Row, Statistics, Step
from .sync import Sync
from .users import Users
from .websocket import Message, WebSocket, retry
