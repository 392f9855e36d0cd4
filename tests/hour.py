"""An hour of the whole house, told as JSON; to be run under a clock that is 60 times faster."""

import asyncio
import json
import sys
from datetime import UTC, datetime

from house import house


async def main() -> None:
    """Watch the service for an hour."""
    async with house("st") as home:
        home.service.options(history_days=0)  # an hour like any other
        await home.service.start()
        await home.shows("redback_grid_import_total", seconds=1200)
        early = home.service.resident_mb
        began = datetime.now(UTC)
        await asyncio.sleep(3600)
        reading = await home.shows("redback_last_reading")
        ended = datetime.now(UTC)
        log = home.service.log.splitlines()
        # The stand-in makes no statistics of states, so that there is nothing to join hours to.
        warnings = [line for line in log if "WARNING" in line and "History: " not in line]
        told = {
            "minutes": (ended - began).total_seconds() / 60,
            "resident_mb_early": early,
            "resident_mb_late": home.service.resident_mb,
            "age_seconds": (ended - datetime.fromisoformat(reading)).total_seconds(),
            "requests": home.simulator.journal.count(),
            "readings": home.simulator.journal.count("Dynamic"),
            "warnings": len(warnings) + home.service.log.count("ERROR"),
            "exit_code": await home.service.stop(),
        }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main())
