"""A day of what happens in real houses, of which each once cost energy or made some up.

`before_the_start` and `plan` are the cloud's, Core's and the inverters' part; `happen` is what
others do meanwhile.
"""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta

from chaos.plan import HouseFault, Plan, Scheduled, Trouble
from chaos.system import System, sleep_until
from redback.backfill import Coverage, request_hours
from redback.backfill.coverage import FILE
from simulator import Fault, Kind
from simulator.world import Inverter

# Until everything is compared after the last of it.
HOURS = 5
# After the restored database, and before the last restart of Core, which ends it.
_SECOND_WRITER = 222.0
_SECOND_WRITER_KWH = 190_945.0
_FILLED_AGAIN = 250.0
# Before the first reading.
_GLITCH_BEFORE = timedelta(hours=3)
_LOST_BEFORE = timedelta(hours=7)
_LOST_HOURS = 3
_AGE_SECONDS = 3.5 * 3600


def before_the_start(inverter: Inverter, border: datetime) -> Fault:
    """Return two records of 500 kWh around an hour in the past."""
    hour = border - _GLITCH_BEFORE
    return Fault(
        kind=Kind.COUNTER_ZERO,
        serial=inverter.serial,
        value=500.0,
        since=hour - timedelta(minutes=1),
        until=hour + timedelta(minutes=1),
    )


def plan(one: str, other: str) -> Plan:
    """Return what two inverters, by their serial numbers, and Core have to go through."""
    return Plan(
        seed=0,
        hours=HOURS,
        quiet=(),
        cloud=(
            _counters(57, "nulls over an hour's end", one, 6, Kind.COUNTER_NULL),
            _counters(75, "a fall that passes", one, 5, Kind.COUNTER_SHARE, 0.75),
            _counters(88, "a fall by a quarter", other, 1, Kind.COUNTER_STEP, 0.75),
            _counters(117, "zeros over an hour's end", other, 6, Kind.COUNTER_ZERO),
            _counters(130, "a fall by a twentieth", one, 1, Kind.COUNTER_STEP, 0.95),
        ),
        house=(
            _core(179.7, HouseFault.CORE_RESTART),
            _core(215, HouseFault.DATABASE, _AGE_SECONDS),
            _core(245, HouseFault.ROWS),
        ),
    )


def _counters(
    at: float, name: str, serial: str, minutes: float, kind: Kind, value: float = 0.0
) -> Scheduled:
    fault = Fault(kind=kind, serial=serial, value=value)
    return Scheduled(at, Trouble(name, minutes, cloud=(fault,)))


def _core(at: float, house_fault: HouseFault, age_seconds: float = 0.0) -> Scheduled:
    trouble = Trouble(house_fault.value, 0.55, house_fault=house_fault, seconds=age_seconds)
    return Scheduled(at, trouble)


async def happen(system: System, beginning: datetime, border: datetime) -> None:
    """Let somebody else write an entity, and let people fill hours again that the cloud has lost.

    Args:
        system: where.
        beginning: of the plan.
        border: the hour of the first reading.
    """
    await sleep_until(beginning + timedelta(minutes=_SECOND_WRITER))
    imported = next(one for one in reversed(system.counters) if one.quantity == "imported")
    await _write(system, imported.entity)
    await sleep_until(beginning + timedelta(minutes=_FILLED_AGAIN))
    hours = [border - _LOST_BEFORE + number * timedelta(hours=1) for number in range(_LOST_HOURS)]
    until = hours[-1] + timedelta(hours=1)
    lost = Fault(kind=Kind.OFFLINE, since=hours[0], until=until)
    system.home.simulator.faults.add(lost)
    await asyncio.to_thread(_fill_again, system, hours)


async def _write(system: System, entity: str) -> None:
    """Write an entity as another integration does, for some minutes."""
    async with system.core.client() as client:
        for number in range(5):
            state = await client.request("GET", f"states/sensor.{entity}")
            attributes = state.body["attributes"]
            written = {"state": str(_SECOND_WRITER_KWH + number), "attributes": attributes}
            await client.request("POST", f"states/sensor.{entity}", written)
            await asyncio.sleep(60)


def _fill_again(system: System, hours: Sequence[datetime]) -> None:
    with closing(Coverage(system.home.data / FILE)) as coverage:
        for inverter in system.named:
            request_hours(coverage, inverter.serial, list(hours))
