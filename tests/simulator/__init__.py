"""The Redback cloud API, simulated: what tests and the demo run against.

As a program, `python -m simulator --preset st --port 0`; in a test:

    async with Simulator(build_world(["st", "two-inverters"])) as simulator:
        simulator.faults.add(Fault(kind=Kind.STATUS, status=503, times=2))
        ...simulator.url...

From the bottom up: `physics` is the day of a plant and `families` its sizes; `world` says who has
which inverters; `records` is what the cloud has of one at a moment; `payloads` gives that the
API's shapes and `spoil` spoils them; `energy`, `schedules` and `envelopes` have the endpoints
and `tokens` is their door; `faults` can make anything go wrong; `server` puts it together.
"""

from .faults import Fault, Kind
from .server import Simulator
from .world import (
    CLIENT_ID,
    CREDENTIAL,
    PRESETS,
    SECOND_CLIENT_ID,
    SECOND_CREDENTIAL,
    World,
    build_world,
)

__all__ = [
    "CLIENT_ID",
    "CREDENTIAL",
    "PRESETS",
    "SECOND_CLIENT_ID",
    "SECOND_CREDENTIAL",
    "Fault",
    "Kind",
    "Simulator",
    "World",
    "build_world",
]
