"""From plain entities to devices and back, with restarts of Core and of the broker between.

Meanwhile somebody gives some entities other ids.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from chaos.plan import HouseFault, Plan, Scheduled, Trouble
from chaos.system import System, sleep_until

# Until everything is compared after the last of it.
HOURS = 6
# The broker and the service are away over an hour's end: no such hour is right until it is filled.
_KILLED, _KILLED_MINUTES = 285, 30
# From the start of one hour to that of another, in hours from the beginning.
AWAY = 4, 6
MEASUREMENT = "sensor.house_grid_power"
# The new ids, by the first ones.
RENAMED: Mapping[str, str] = {
    "sensor.house_solar_generation_total": "sensor.from_the_roof",
    MEASUREMENT: "sensor.power_at_the_street",
    "sensor.house_site_load_total": "sensor.used_in_the_house",
}
# Before the service is away, and meanwhile.
_RENAMED_AT = dict(zip(RENAMED, (205, 206, _KILLED + 10), strict=True))


def plan() -> Plan:
    """Return what happens, in minutes from the beginning of the first whole hour."""
    return Plan(
        seed=0,
        hours=HOURS,
        quiet=(),
        cloud=(),
        house=(
            _change(25, HouseFault.DEVICES),
            Scheduled(70, Trouble("Core restarts", 2, house_fault=HouseFault.CORE_RESTART)),
            _change(117, HouseFault.STATES),
            Scheduled(150, Trouble("Core restarts again", 2, house_fault=HouseFault.CORE_RESTART)),
            _change(178, HouseFault.DEVICES),
            Scheduled(238, Trouble("the broker is killed", 4, house_fault=HouseFault.BROKER_KILL)),
            Scheduled(
                _KILLED,
                Trouble("killed as devices", _KILLED_MINUTES, house_fault=HouseFault.SERVICE_KILL),
            ),
        ),
    )


async def rename(system: System, beginning: datetime) -> None:
    """Change the ids of entities in Core, as people do."""
    for first, new in RENAMED.items():
        await sleep_until(beginning + timedelta(minutes=_RENAMED_AT[first]))
        command = {"type": "config/entity_registry/update", "entity_id": first}
        await system.core.command(command | {"new_entity_id": new})


def renamed(system: System) -> System:
    """Return the same with the counters' new ids."""
    ids = {first.partition(".")[2]: new.partition(".")[2] for first, new in RENAMED.items()}
    counters = (replace(one, entity=ids.get(one.entity, one.entity)) for one in system.counters)
    return replace(system, counters=tuple(counters))


def _change(at: float, way: HouseFault) -> Scheduled:
    return Scheduled(at, Trouble(way.value, 0.5, house_fault=way))
