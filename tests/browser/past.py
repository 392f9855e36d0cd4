"""Fills the past of a new Core, and returns what the inverters did on its last whole day.

A program for a world whose clock runs faster; Core stays in its folder, for a browser.
"""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaos.filling import filled
from chaos.system import FAST, NORMAL, running_system, set_speed
from chaos.truth import Truth

_DAY = timedelta(days=1)
# So that there is one from midnight to midnight, whatever time it is.
_DAYS = 2


async def fill(folder: Path) -> dict[str, object]:
    """Fill it, and return the day, and the energy of each counter on it, kWh."""
    async with running_system(
        1, folder, days=_DAYS + 1, history_days=_DAYS, past_of_v221=True, frontend=True
    ) as system:
        await system.begin()
        begun = datetime.now(UTC)
        await set_speed(FAST)
        await filled(system, begun - _DAYS * _DAY)
        await set_speed(NORMAL)
        today = begun.replace(hour=0, minute=0, second=0, microsecond=0)
        energies: dict[str, float] = {}
        for counter in system.counters:
            truth = Truth(counter, system.home.simulator, ())
            # A day ends with its last reading, for nothing after that is known yet.
            ends = [truth.record_before(moment) for moment in (today - _DAY, today)]
            before, after = (truth.energy(end) for end in ends)
            energies[counter.entity] = after - before
        await system.home.service.stop()
    return {"day": f"{today - _DAY:%Y-%m-%d}", "energies": energies}


def main() -> None:
    """Print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    sys.stdout.write(json.dumps(asyncio.run(fill(parser.parse_args().folder))))


if __name__ == "__main__":
    main()
