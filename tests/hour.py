"""An hour of the whole house, told as JSON; to be run under a clock that is 60 times faster."""

import asyncio
import json
import sys
from datetime import UTC, datetime

from house import House, house, until


async def filled(home: House) -> bool:
    """Tell whether the days before the start are there: an hour after that is like any other."""
    return "hours filled" in home.service.log


async def main() -> None:
    """Watch the service for an hour."""
    async with house("st") as home:
        await home.service.start()
        await home.shows("redback_grid_import_total", seconds=1200)
        await until(lambda: filled(home), 3600)
        home.simulator.journal.clear()
        early = home.service.resident_mb
        began = datetime.now(UTC)
        await asyncio.sleep(3600)
        reading = await home.shows("redback_last_reading")
        ended = datetime.now(UTC)
        told = {
            "minutes": (ended - began).total_seconds() / 60,
            "resident_mb_early": early,
            "resident_mb_late": home.service.resident_mb,
            "age_seconds": (ended - datetime.fromisoformat(reading)).total_seconds(),
            "requests": home.simulator.journal.count(),
            "readings": home.simulator.journal.count("Dynamic"),
            "warnings": home.service.log.count("WARNING") + home.service.log.count("ERROR"),
            "exit_code": await home.service.stop(),
        }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main())
