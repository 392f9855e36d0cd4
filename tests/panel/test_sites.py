"""What the panel says of every inverter that the account can see."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
import yaml

from examples import SERIAL, dynamic, static
from panel.scenes import some_accounts
from redback.cloud import ListedInverter
from redback.inverters.naming import GivenName, choose
from redback.options import OptionsError, Site, check
from redback.panel.context import Context
from redback.panel.sites import SeenSite, accounts, gone
from redback.saved_state import Saved
from redback.sensors.details import Details
from redback.sensors.reading import Reading

ACCOUNT = SimpleNamespace(details=SimpleNamespace(others={}), label="", is_listed=True)


def _sites(context: Context) -> list[SeenSite]:
    """Return the sites of the only account."""
    (account,) = accounts(context)
    return account.sites


@pytest.mark.parametrize(
    ("name", "has_battery"), [("three_phase_battery", True), ("single_phase", False)]
)
def test_a_battery_that_is_not_counted_but_has_values_is_listed(
    name: str,
    has_battery: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    reading, details = dynamic(name), Details(msgspec.structs.replace(static(), battery_count=0))
    names = {SERIAL: GivenName("Redback", "Redback")}
    saved = Saved(names, (ListedInverter(SERIAL, "S1"),))
    context = SimpleNamespace(
        saved_state=SimpleNamespace(saved=saved),
        registry=SimpleNamespace(
            names=names,
            inverter=lambda _: SimpleNamespace(details=details),
            reading=lambda _: Reading(SERIAL, reading.timestamp, reading, details),
        ),
        accounts=some_accounts([ACCOUNT], saved, {}),
    )
    (site,) = _sites(cast("Context", context))
    assert [one.has_battery for one in site.inverters] == [has_battery]


INVERTERS = (
    ListedInverter("RB0011", "S1"),
    ListedInverter("RB0021", "S2"),
    ListedInverter("RB0022", "S2"),
    ListedInverter("RB0031", "S3"),
    ListedInverter("RB0032", "S3"),
    ListedInverter("RB0041", "S4"),
    ListedInverter("RB0051"),
)


def account(
    options: Sequence[Site],
    inverters: Sequence[ListedInverter] = INVERTERS,
    missing: Mapping[str, datetime] | None = None,
) -> tuple[Context, dict[str, GivenName]]:
    """Return an account with these options, and what its inverters are called."""
    lost = missing or {}
    names = choose(inverters, options, {}).names
    used = {serial: name for serial, name in names.items() if serial not in lost}
    saved = Saved(dict(names), tuple(inverters))
    context = SimpleNamespace(
        saved_state=SimpleNamespace(saved=saved),
        registry=SimpleNamespace(names=used, inverter=lambda _: None, reading=lambda _: None),
        accounts=some_accounts([ACCOUNT], saved, lost),
    )
    return cast("Context", context), used


@pytest.mark.parametrize(
    "options",
    [
        (),
        (Site("S1", "Home"), Site("S2", "Farm")),
        (Site("S2", "Farm"),),
        (Site("RB0021", "Pump"), Site("RB0022", "Shed"), Site("S3")),
        (Site("RB0021", "Redback"), Site("S4", "Redback 0041")),
    ],
)
def test_no_line_renames_what_exists_and_the_names_are_as_said(options: Sequence[Site]) -> None:
    context, used = account(options)
    lines: list[tuple[str, list[str]]] = []
    for site in _sites(context):
        if site.line is not None:
            lines.append((site.line, site.will_be))
        lines += [(one.line, [one.will_be]) for one in site.inverters]
    for some in (*combinations(lines, 1), *combinations(lines, 2), *combinations(lines, 3)):
        text = "\n".join(line for line, _ in some)
        raw = {"client_id": "a", "credential": "b", "sites": yaml.safe_load(text)}
        try:
            entries = check(raw).sites
        except OptionsError:
            continue  # a site and its inverter under one name
        after = choose(INVERTERS, entries, used).names
        assert not {s for s, name in after.items() if s in used and name.name != used[s].name}, text
        if len(some) == 1:
            assert {name.name for name in after.values()} == {*some[0][1]}


def test_the_line_of_a_site_with_two_inverters_has_its_own_name() -> None:
    context, _ = account([Site("S2", "Farm")])
    farm = next(one for one in _sites(context) if one.site == "S2")
    assert farm.line == "- id: S2\n  name: Farm"
    assert farm.will_be == ["Farm 0021", "Farm 0022"]


def test_one_that_is_gone_is_no_part_of_its_site() -> None:
    since = datetime(2026, 3, 2, tzinfo=UTC)
    context, _ = account([Site("S2", "Farm")], missing={"RB0022": since})
    farm = next(one for one in _sites(context) if one.site == "S2")
    assert [one.serial for one in farm.inverters] == ["RB0021"]
    assert (farm.line, farm.will_be) == ("- id: S2\n  name: Farm", ["Farm 0021"])
    assert [(one.serial, one.name, one.since) for one in gone(context)] == [
        ("RB0022", "Farm 0022", since)
    ]
