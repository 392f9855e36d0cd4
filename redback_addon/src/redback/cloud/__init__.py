"""The Redback cloud: its token, its requests, its answers, and what goes wrong with them.

Everything is synchronous and meant to be called from threads, several at once. Nothing here knows
Home Assistant, and nothing touches a file.

    client      what the service calls: inverters, readings, static data, configurations
    routes      which route to a reading is taken for which inverter, and when another is tried
    readings    one call for readings, by the rules of the routes
    history     which route to readings of the past is taken
    discovery   the account's inverters in the tree that the cloud sends
    matching    which element of a common answer is about which inverter
    decoding    JSON to models, field by field, so that one bad field costs no reading
    models      what the cloud tells, as frozen data
    auth        the bearer token, from whichever endpoint takes the credentials
    api         a request with a token, below all of these
    transport   the one place that makes a request, with its limits and retries
    shapes      what the last answers look like, without their values
    errors      what can go wrong, and the one place that says what an HTTP status means
    remembered  what must outlive a restart; whoever keeps it is told of changes
"""

from .auth import Credentials, Hosts, TokenSource
from .client import RedbackClient
from .errors import (
    AccessError,
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
    Dynamic,
    InverterPower,
    Limits,
    ListedInverter,
    Module,
    Phase,
    PvString,
    Static,
)
from .remembered import Remembered, RememberedHolder, RememberedRoute
from .shapes import Shape
from .transport import Tally, Transport

__all__ = [
    "AccessError",
    "Battery",
    "Cabinet",
    "CloudError",
    "Configuration",
    "Credentials",
    "CredentialsError",
    "Dynamic",
    "Hosts",
    "InverterPower",
    "Limits",
    "ListedInverter",
    "Module",
    "NotFoundError",
    "OutcomeUnknownError",
    "Phase",
    "PvString",
    "RedbackClient",
    "Remembered",
    "RememberedHolder",
    "RememberedRoute",
    "RequestError",
    "Shape",
    "Static",
    "Tally",
    "ThrottledError",
    "TokenSource",
    "TransientError",
    "Transport",
]
