"""One fault after the other, and how soon it is over; to be run under a faster clock."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

from house import House, house
from simulator import Fault, Kind

LASTS = 150
FAULTS = {
    "500": Fault(kind=Kind.STATUS, status=500),
    "502": Fault(kind=Kind.STATUS, status=502),
    "503 with Retry-After": Fault(kind=Kind.STATUS, status=503, retry_after="20"),
    "429": Fault(kind=Kind.STATUS, status=429),
    "429 with Retry-After": Fault(kind=Kind.STATUS, status=429, retry_after="20"),
    "400": Fault(kind=Kind.STATUS, status=400),
    "slow": Fault(kind=Kind.SLOW, seconds=300),
    "dripping": Fault(kind=Kind.DRIP, seconds=300),
    "cut before the answer": Fault(kind=Kind.DROP, how="before"),
    "cut in the middle of the body": Fault(kind=Kind.DROP, how="middle"),
    "HTML": Fault(kind=Kind.NOT_JSON),
    "JSON of the wrong shape": Fault(kind=Kind.WRONG_SHAPE),
    "nulls everywhere": Fault(kind=Kind.NULLS),
    "expired token": Fault(kind=Kind.TOKEN_EXPIRY),
    "no Multiple": Fault(kind=Kind.NO_MULTIPLE, status=404),
    "v2 only": Fault(kind=Kind.V2_ONLY),
}


async def recovery(home: House, fault: Fault) -> float:
    """Have a fault for a while; gives the seconds from its end to the next reading."""
    home.simulator.faults.add(fault)
    await asyncio.sleep(LASTS)
    home.simulator.faults.clear()
    ended = datetime.now(UTC)
    while True:
        reading = await home.value("redback_last_reading")
        now = datetime.now(UTC)
        # A reading that is at most as old as a minute, and what the cloud takes to show it.
        if reading is not None and (now - datetime.fromisoformat(reading)).total_seconds() < 80:
            return (now - ended).total_seconds()
        await asyncio.sleep(1)


async def refusal(home: House) -> dict[str, Any]:
    """Have the credentials refused for an hour; gives what people see meanwhile, and after."""
    home.simulator.journal.clear()
    home.simulator.faults.add(Fault(kind=Kind.WRONG_SECRET))
    home.simulator.faults.add(Fault(kind=Kind.TOKEN_EXPIRY))
    await asyncio.sleep(3600)
    meanwhile = {
        "states": sorted({state["state"] for state in (await home.states()).values()}),
        "notices": list(await home.notifications()),
        "token_requests": home.simulator.journal.count("token"),
    }
    home.simulator.faults.clear()
    ended = datetime.now(UTC)
    await home.shows("redback_grid_import_total", seconds=1200)
    return meanwhile | {"seconds": (datetime.now(UTC) - ended).total_seconds()}


async def main() -> None:
    """Try all faults."""
    async with house("st") as home:
        await home.service.start()
        await home.shows("redback_last_reading", seconds=1200)
        told = {name: await recovery(home, fault) for name, fault in FAULTS.items()}
        refused = await refusal(home)
        await asyncio.sleep(10)
        code = await home.service.stop()
        notices = await home.notifications()
        log = home.service.log
    result = {"seconds": told, "refused": refused, "exit_code": code, "notices": notices}
    sys.stdout.write(json.dumps(result | {"tracebacks": log.count("Traceback")}))


if __name__ == "__main__":
    asyncio.run(main())
