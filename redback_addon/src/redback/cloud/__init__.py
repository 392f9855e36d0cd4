"""The Redback cloud: its token, its requests, its answers, and how they fail.

Everything is synchronous and meant to be called from threads, several at once. Nothing here knows
Home Assistant, and nothing touches a file.

From the top: `client` is what the service calls. `readings` (by the rules of `routes`), `history`,
`details`, `discovery` and `controls` ask one kind of question each, and `matching` finds what an
answer says of which inverter. They ask through `api`, which makes a request with a token of `auth`;
`transport` below them is the one place that makes requests. `decoding` turns answers into `models`,
with the time spans of `durations`. `errors` decides what an HTTP status means, and `remembered`
holds what must outlive a restart.
"""

from .auth import Credentials, Hosts, TokenSource
from .client import RedbackClient
from .controls import ControlsApi
from .errors import (
    AccessError,
    Cause,
    CloudError,
    CredentialsError,
    NotFoundError,
    OutcomeUnknownError,
    RequestError,
    ThrottledError,
    TransientError,
)
from .models import (
    Battery,
    Cabinet,
    Configuration,
    DailySchedule,
    Dynamic,
    Envelope,
    Envelopes,
    InverterPower,
    Limits,
    ListedInverter,
    Module,
    Phase,
    PvString,
    Schedule,
    Schedules,
    Static,
)
from .remembered import Remembered, RememberedHolder, RememberedRoute
from .transport import Transport
