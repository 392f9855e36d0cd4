"""That chaos leaves nothing out: each kind of trouble has its turn within a few seeds."""

import pytest

from chaos.plan import HouseFault, draw
from simulator import Kind

SERIALS = ("RB1", "RB2")


# What people choose is no trouble.
CHOSEN = {HouseFault.DEVICES, HouseFault.STATES}
OF_BROKER = {HouseFault.BROKER_RESTART, HouseFault.BROKER_KILL, HouseFault.NO_BROKER}


@pytest.mark.parametrize("with_broker", [False, True])
def test_within_five_seeds_everything_goes_wrong_that_can(*, with_broker: bool) -> None:
    plans = [draw(seed, 6, SERIALS, SERIALS[-1], with_broker=with_broker) for seed in range(1, 6)]
    assert [plan.left_out for plan in plans] == [()] * 5
    troubles = [one.trouble for plan in plans for one in (*plan.cloud, *plan.house)]
    kinds = {fault.kind for trouble in troubles for fault in trouble.cloud}
    # An inverter that is installed is no trouble that passes, and only one of two accounts can
    # have an empty list.
    assert set(Kind) - kinds == {Kind.EXTRA_INVERTER, Kind.NO_INVERTERS}
    of_house = {None, *HouseFault} - CHOSEN
    assert {trouble.house_fault for trouble in troubles} == (
        of_house if with_broker else of_house - OF_BROKER
    )
    assert sum(trouble.kill_after is not None for trouble in troubles) >= 2


def test_the_same_seed_is_the_same_day() -> None:
    assert draw(7, 24, SERIALS, SERIALS[-1]) == draw(7, 24, SERIALS, SERIALS[-1])
    assert draw(7, 24, SERIALS, SERIALS[-1]) != draw(8, 24, SERIALS, SERIALS[-1])
