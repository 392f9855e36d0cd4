"""Waits until everything is filled that a service has missed, and compared."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta

from chaos.system import System, sleep_until
from redback.backfill import Coverage
from redback.backfill.coverage import FILE
from redback.backfill.gaps import find

# For a first start with ten kills: each costs ten minutes.
LONGEST_HOURS = 6.0
# How long an hour may be missing after its end: it is looked at when Core has written it.
_SETTLED = timedelta(minutes=15)
_COMPARED_EVERY = timedelta(minutes=75)
_LOOK_EVERY_SECONDS = 5.0


async def filled(system: System, since: datetime, until: datetime | None = None) -> None:
    """Wait until nothing is missing before the last hours, or before a moment."""
    async with asyncio.timeout(LONGEST_HOURS * 3600):
        while not is_filled(system, since, until):
            await asyncio.sleep(_LOOK_EVERY_SECONDS)


async def compared() -> None:
    """Wait until the service has compared what Core has once more, as it does every hour."""
    await sleep_until(datetime.now(UTC) + _COMPARED_EVERY)


def is_filled(system: System, since: datetime, until: datetime | None) -> bool:
    """Whether nothing is missing."""
    now = datetime.now(UTC) - _SETTLED
    if until is not None and now < until:
        return False
    with closing(Coverage(system.home.data / FILE)) as coverage:
        serials = coverage.serials()
        return len(serials) == len(system.named) and not any(
            find(coverage, serial, since, now) for serial in serials
        )
