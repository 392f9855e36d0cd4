"""What goes wrong, in minutes from the beginning of the first whole hour: each over hours' ends."""

from chaos.plan import HouseFault, Plan, Scheduled, Trouble
from simulator import Fault, Kind

# Until everything is filled after the last of it.
HOURS = 9


def outages(inside: str, outside: str) -> Plan:
    """Have the service, the cloud and Core be away, one after the other.

    Args:
        inside: the inverter whose counters are reset while the service is away.
        outside: the one whose counters are reset when nothing else is wrong.
    """
    return Plan(
        seed=0,
        hours=HOURS,
        quiet=(),
        house=(
            Scheduled(
                40, Trouble("the service is killed", 120, house_fault=HouseFault.SERVICE_KILL)
            ),
            Scheduled(330, Trouble("Core is away", 60, house_fault=HouseFault.CORE_RESTART)),
        ),
        cloud=(
            Scheduled(90, _reset("counters are reset meanwhile", inside)),
            Scheduled(
                200,
                Trouble("the cloud is down", 90, cloud=(Fault(kind=Kind.STATUS, status=503),)),
            ),
            Scheduled(430, _reset("counters are reset", outside)),
        ),
    )


def _reset(name: str, serial: str) -> Trouble:
    return Trouble(name, 1, cloud=(Fault(kind=Kind.COUNTER_RESET, serial=serial),))
