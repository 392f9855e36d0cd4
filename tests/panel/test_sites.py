"""What the panel says of every inverter that the account can see."""

from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from examples import SERIAL, dynamic, static
from redback.cloud import ListedInverter
from redback.inverters.naming import GivenName
from redback.panel.context import Context
from redback.panel.sites import sites
from redback.saved_state import Saved
from redback.sensors.details import Details
from redback.sensors.reading import Reading


@pytest.mark.parametrize(
    ("name", "has_battery"), [("three_phase_battery", True), ("single_phase", False)]
)
def test_a_battery_that_is_not_counted_but_has_values_is_listed(
    name: str,
    has_battery: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    reading, details = dynamic(name), Details(msgspec.structs.replace(static(), battery_count=0))
    context = SimpleNamespace(
        saved_state=SimpleNamespace(saved=Saved(inverters=(ListedInverter(SERIAL, "S1"),))),
        registry=SimpleNamespace(
            names={SERIAL: GivenName("Redback", "Redback")},
            inverter=lambda _: SimpleNamespace(details=details),
            reading=lambda _: Reading(SERIAL, reading.timestamp, reading, details),
        ),
        account=SimpleNamespace(details=SimpleNamespace(others={})),
    )
    (site,) = sites(cast("Context", context))
    assert [one.has_battery for one in site.inverters] == [has_battery]
