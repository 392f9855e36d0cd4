"""One fault after the other, and how soon it is over.

`python -m recovery passing` tries the faults that are answered at once, under a faster clock.
`python -m recovery hanging` tries those that only a timeout ends, all at the same time, and in real
time: under a faster clock timeouts are longer.
"""

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from house import House, house
from simulator import Fault, Kind

LASTS = 150
# Until the cloud is asked again, and a little more.
_HANGS = 75
_TIMEOUT = re.compile("no answer came in time|the answer took too long")
PASSING = {
    "500": Fault(kind=Kind.STATUS, status=500),
    "502": Fault(kind=Kind.STATUS, status=502),
    "503 with Retry-After": Fault(kind=Kind.STATUS, status=503, retry_after="20"),
    "429": Fault(kind=Kind.STATUS, status=429),
    "429 with Retry-After": Fault(kind=Kind.STATUS, status=429, retry_after="20"),
    "400": Fault(kind=Kind.STATUS, status=400),
    "cut before the answer": Fault(kind=Kind.DROP, how="before"),
    "cut in the middle of the body": Fault(kind=Kind.DROP, how="middle"),
    "HTML": Fault(kind=Kind.NOT_JSON),
    "JSON of the wrong shape": Fault(kind=Kind.WRONG_SHAPE),
    "nulls everywhere": Fault(kind=Kind.NULLS),
    "expired token": Fault(kind=Kind.TOKEN_EXPIRY),
    "no Multiple": Fault(kind=Kind.NO_MULTIPLE, status=404),
    "v2 only": Fault(kind=Kind.V2_ONLY),
}
HANGING = {
    "slow": Fault(kind=Kind.SLOW, seconds=300),
    "dripping": Fault(kind=Kind.DRIP, seconds=300),
}


async def recovery(home: House, fault: Fault, lasts: float) -> float:
    """Have a fault for a while, and return the seconds from its end to the next reading."""
    home.simulator.faults.add(fault)
    await asyncio.sleep(lasts)
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
    """Have the credentials refused for an hour, and return what people see meanwhile, and after."""
    home.simulator.journal.clear()
    home.simulator.faults.add(Fault(kind=Kind.WRONG_SECRET))
    home.simulator.faults.add(Fault(kind=Kind.TOKEN_EXPIRY))
    await asyncio.sleep(3600)
    refused = {
        "states": sorted({state["state"] for state in (await home.states()).values()}),
        "notices": list(await home.notifications()),
        "token_requests": home.simulator.journal.count("token"),
    }
    home.simulator.faults.clear()
    ended = datetime.now(UTC)
    await home.shows("redback_grid_import_total", seconds=1200)
    return refused | {"seconds": (datetime.now(UTC) - ended).total_seconds()}


async def passing() -> Mapping[str, Any]:
    """Try all faults that are answered."""
    async with house("st") as home:
        await home.service.start()
        await home.shows("redback_last_reading")
        seconds = {name: await recovery(home, fault, LASTS) for name, fault in PASSING.items()}
        refused = await refusal(home)
        await asyncio.sleep(10)
        return {"seconds": seconds, "refused": refused, **await _end(home)}


async def hanging() -> Mapping[str, Any]:
    """Try all faults that have no end, each in a house of its own."""
    results = await asyncio.gather(*(_hanging(fault) for fault in HANGING.values()))
    return dict(zip(HANGING, results, strict=True))


async def _hanging(fault: Fault) -> Mapping[str, Any]:
    async with house("st") as home:
        await home.service.start()
        await home.shows("redback_last_reading", seconds=60)
        seconds = await recovery(home, fault, _HANGS)
        timeouts = len(_TIMEOUT.findall(home.service.log))
        return {"seconds": seconds, "timeouts": timeouts, **await _end(home)}


async def _end(home: House) -> Mapping[str, Any]:
    code = await home.service.stop()
    notices = await home.notifications()
    return {
        "exit_code": code,
        "notices": notices,
        "tracebacks": home.service.log.count("Traceback"),
    }


def main() -> None:
    """Try some of them."""
    which = {"passing": passing, "hanging": hanging}[sys.argv[1]]
    sys.stdout.write(json.dumps(asyncio.run(which())))


if __name__ == "__main__":
    main()
