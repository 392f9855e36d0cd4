"""From plain entities to devices and back, with restarts of Core and of the broker between."""

from chaos.plan import HouseFault, Plan, Scheduled, Trouble

# Until everything is compared after the last of it.
HOURS = 6


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
            Scheduled(230, Trouble("the broker is killed", 3, house_fault=HouseFault.BROKER_KILL)),
            Scheduled(265, Trouble("killed as devices", 10, house_fault=HouseFault.SERVICE_KILL)),
        ),
    )


def _change(at: float, way: HouseFault) -> Scheduled:
    return Scheduled(at, Trouble(way.value, 0.5, house_fault=way))
