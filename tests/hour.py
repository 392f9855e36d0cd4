"""An hour of the whole house, as JSON; to be run under a clock that is 60 times faster."""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from time import time
from typing import Any

from house import House, house
from simulator.world import Inverter
from standin.core import Core

_PERIOD = 60
_TIME = "_last_reading"


async def main() -> None:
    """Watch the service for an hour."""
    async with Core() as core, house("st", core=core.address) as home:
        home.service.options(history_days=0)  # an hour like any other
        await home.service.start()
        await home.shows("redback_grid_import_total")
        home.simulator.journal.clear()
        early, since = home.service.resident_mb, time()
        await asyncio.sleep(3600)
        late, until = home.service.resident_mb, time()
        polls, requests = (home.simulator.journal.count(part) for part in ("Dynamic", ""))
        # The last readings have their time to come too.
        await asyncio.sleep(3 * _PERIOD)
        log = home.service.log.splitlines()
        # The stand-in makes no statistics of states, so that there is nothing to join hours to.
        warnings = [line for line in log if "WARNING" in line and "History: " not in line]
        errors = [line for line in log if "ERROR" in line]
        result = {
            "minutes": (until - since) / 60,
            "resident_mb_early": early,
            "resident_mb_late": late,
            **_readings(home, core, since, until),
            "polls": polls,
            "requests": requests,
            "warnings": warnings + errors,
            "exit_code": await home.service.stop(),
        }
    sys.stdout.write(json.dumps(result))


def _readings(home: House, core: Core, since: float, until: float) -> dict[str, Any]:
    """Count the readings that the cloud showed in this time, and what became of them in Core."""
    (inverter,) = home.simulator.world.inverters
    arrived: dict[int, float] = {}
    for push in core.states.history:
        if push.entity_id.endswith(_TIME) and push.state[0].isdigit():
            stamp = int(datetime.fromisoformat(push.state).timestamp())
            arrived.setdefault(stamp, push.at.timestamp())
    shown = list(_shown(inverter, since, until))
    # When there was a younger one already.
    late = [
        stamp for stamp in shown if arrived.get(stamp, 0) >= inverter.visible_at(stamp + _PERIOD)
    ]
    return {
        "readings": len(shown),
        "missed": len([stamp for stamp in shown if stamp not in arrived]),
        "late": len(late),
    }


def _shown(inverter: Inverter, since: float, until: float) -> Iterator[int]:
    """Return the time of each reading that the cloud began to show then."""
    for minute in range(int(since) // _PERIOD - 1, int(until) // _PERIOD + 1):
        stamp = minute * _PERIOD + inverter.second
        if since <= inverter.visible_at(stamp) < until:
            yield stamp


if __name__ == "__main__":
    asyncio.run(main())
