"""The simulated API answers as the dossier says the real one does."""

import pytest
import time_machine

from simulator import Simulator
from simulator_tests.conftest import NOW
from simulator_tests.customer import Customer

NODES = "/Api/v2/EnergyData/With/Nodes"
STATIC = "/Api/v2/EnergyData/Static/BySerialNumber"
CONFIGURATION = "/Api/v2/Configuration/Configuration/BySerialNumber"
ST, SH, SI = "RB26030100000011", "RB26030100000021", "RB26030100000022"
ST_SITE, PAIR_NMI = "S2026030100001", "6000000002"
STRANGE = "RB00000000000000"
COMPACT = str.maketrans("", "", "-:")


def reading(serial: str, version: str = "v2") -> str:
    return f"/Api/{version}/EnergyData/Dynamic/BySerialNumber/{serial}"


def past(serial: str, rest: str) -> str:
    return f"/Api/v2/EnergyData/{serial}/Dynamic/BySerialNumber/{rest}"


# Tokens


@pytest.mark.parametrize("endpoint", ["old", "new"])
async def test_either_endpoint_gives_a_token_that_opens_the_data(
    stranger: Customer, endpoint: str
) -> None:
    answer = await stranger.sign_in(endpoint)
    assert answer.body["token_type"] == "Bearer"
    assert answer.body["expires_in"] == 3599
    assert ("ext_expires_in" in answer.body) == (endpoint == "new")
    assert (await stranger.get(NODES)).status == 200


@pytest.mark.parametrize(
    ("endpoint", "changes", "status", "error"),
    [
        ("old", {"client_id": "nobody"}, 400, "unauthorized_client"),
        ("old", {"client_secret": "wrong"}, 401, "invalid_client"),
        ("new", {"client_id": "nobody"}, 400, "unauthorized_client"),
        ("new", {"client_secret": "wrong"}, 401, "invalid_client"),
        ("new", {"scope": ""}, 400, "invalid_scope"),
        ("new", {"scope": "api://other/.default"}, 400, "invalid_scope"),
        ("new", {"grant_type": ""}, 400, "invalid_request"),
        ("new", {"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_token_endpoint_says_why_it_refuses(
    stranger: Customer, endpoint: str, changes: dict[str, str], status: int, error: str
) -> None:
    answer = await stranger.sign_in(endpoint, **changes)
    assert (answer.status, answer.body["error"]) == (status, error)
    assert "error_description" in answer.body
    assert ("trace_id" in answer.body) == (endpoint == "new")


@pytest.mark.parametrize(("accepts", "refuses"), [("old", "new"), ("new", "old")])
async def test_an_account_may_exist_at_one_endpoint_only(
    simulator: Simulator, stranger: Customer, accepts: str, refuses: str
) -> None:
    simulator.world.add_account(
        ["si"], client_id="other", accepts="old" if accepts == "old" else "new"
    )
    assert (await stranger.sign_in(refuses, client_id="other")).status == 400
    assert (await stranger.sign_in(accepts, client_id="other")).status == 200


async def test_data_need_a_token_that_is_good_and_not_expired(
    stranger: Customer, clock: time_machine.Traveller
) -> None:
    assert (await stranger.get(NODES)).status == 401
    stranger.token = "made-up"
    assert (await stranger.get(NODES)).status == 401
    stranger.token = ""
    await stranger.sign_in()
    clock.shift(3598)
    assert (await stranger.get(NODES)).status == 200
    clock.shift(1)
    assert (await stranger.get(NODES)).status == 401


# Discovery


async def test_nodes_show_sites_inverters_and_house_loads(customer: Customer) -> None:
    first, second = (await customer.get(NODES)).data
    assert (first["Id"], first["Nmi"], first["Type"]) == (ST_SITE, None, "Site")
    assert first["Nodes"] == [
        {"SerialNumber": ST, "Id": ST, "Nmi": None, "Type": "Inverter", "Nodes": None},
        {"Id": "Houseload", "Nmi": None, "Type": "Houseload", "Nodes": None},
    ]
    assert second["Nmi"] == PAIR_NMI
    assert [node["Id"] for node in second["Nodes"]] == [SH, SI, "Houseload"]


async def test_pages_say_how_much_they_hold_and_how_much_there_is(
    simulator: Simulator, stranger: Customer
) -> None:
    simulator.world.add_account(["fleet"], inverters=25, client_id="large")
    await stranger.sign_in(client_id="large")
    seen = []
    for page, records in ((0, 10), (1, 10), (2, 5), (3, 0)):
        body = (await stranger.get(NODES, page=str(page), pageSize="10")).body
        assert {**body, "Data": len(body["Data"])} == {
            "Page": page,
            "PageSize": 10,
            "PageCount": records,
            "TotalCount": 25,
            "Data": records,
        }
        seen += [site["Id"] for site in body["Data"]]
    assert len(set(seen)) == 25


@pytest.mark.parametrize(
    "query", [{"page": "-1"}, {"pageSize": "0"}, {"pageSize": "1001"}, {"page": "one"}]
)
async def test_an_impossible_page_is_refused(customer: Customer, query: dict[str, str]) -> None:
    assert (await customer.get(NODES, **query)).status == 400


@pytest.mark.parametrize("path", [reading("{}"), f"{STATIC}/{{}}", f"{CONFIGURATION}/{{}}"])
async def test_unknown_serials_are_not_found_and_foreign_ones_forbidden(
    simulator: Simulator, customer: Customer, path: str
) -> None:
    foreign = simulator.world.add_account(["sh"], client_id="other").sites[0]
    assert (await customer.get(path.format(STRANGE))).status == 404
    assert (await customer.get(path.format(foreign.spare.serial))).status == 404
    assert (await customer.get(path.format(foreign.inverters[0].serial))).status == 403


async def test_an_inverter_that_two_accounts_share_can_be_read_by_both(
    simulator: Simulator, customer: Customer
) -> None:
    world = simulator.world
    world.add_account((), client_id="b", credential="c", shared=world.account.sites[:1])
    other = Customer(customer.session, "b", "c")
    await other.sign_in()
    assert [(await one.get(reading(ST))).status for one in (customer, other)] == [200, 200]
    assert len((await other.get(NODES)).data) == 1
    assert len([one for one in world.inverters if one.serial == ST]) == 1


# Static data and configuration


async def test_static_data_have_the_quirks_of_the_real_ones(customer: Customer) -> None:
    data = (await customer.get(f"{STATIC}/{ST}")).data
    site = data["StaticData"]
    assert site["TimestampUtc"] == "2026-03-02T02:00:00.0155057Z"
    assert site["CommissioningDate"] == "2026-02-20"
    assert site["Location"]["Country"] == "Australia "
    assert site["SiteDetails"]["PanelModel"] == " "
    assert site["SiteDetails"]["UsableBatteryCapacitykWh"] == 12.78
    inverter, house = (node["StaticData"] for node in data["Nodes"])
    assert (inverter["ModelName"], inverter["FirmwareVersion"]) == ("ST10000", "080819")
    assert len(inverter["BatteryModels"]) == inverter["BatteryCount"] == 4
    assert (house["Id"], house["Type"]) == ("HouseLoad", "Houseload")


async def test_the_configuration_has_the_reserve_if_there_is_a_battery(customer: Customer) -> None:
    found = (await customer.get(f"{CONFIGURATION}/{ST}")).data
    assert (found["MinSoC0to1"], found["MinOffgridSoC0to1"]) == (0.2, 0.1)
    assert (await customer.get(f"{CONFIGURATION}/{SI}")).data["MinSoC0to1"] is None


async def test_many_configurations_come_with_an_error_where_one_failed(customer: Customer) -> None:
    path = "/Api/v2/Configuration/Multiple/BySerialNumber/Configuration"
    body = (await customer.post(path, [ST, STRANGE])).body
    good, bad = body["Data"]
    assert body["TotalCount"] == 2
    assert (good["Data"]["SerialNumber"], good["ErrorMsg"]) == (ST, None)
    assert (bad["Data"], bad["ErrorMsg"]) == (None, "not found")


# Dynamic data


async def test_the_later_version_adds_battery_counters_strings_and_battery(
    customer: Customer,
) -> None:
    old = (await customer.get(reading(ST))).data
    new = (await customer.get(reading(ST, "v2.21"))).data
    assert set(new) - set(old) == {
        "BatteryChargeAllTimeEnergykWh",
        "BatteryDischargeAllTimeEnergykWh",
        "PVs",
        "Battery",
    }
    assert {name: new[name] for name in old} == old
    assert [phase["Id"] for phase in new["Phases"]] == ["A", "B", "C"]
    assert len(new["PVs"]) == 2
    assert len(new["Battery"]["Modules"]) == new["Battery"]["NumberOfModules"] == 4
    assert len(new["Battery"]["Cabinets"]) == 1


@pytest.mark.parametrize("version", ["v2", "v2.21"])
async def test_many_records_come_without_the_unknown_and_in_an_order_of_their_own(
    customer: Customer, version: str
) -> None:
    path = f"/Api/{version}/EnergyData/Multiple/BySerialNumber/Dynamic"
    body = (await customer.post(path, [ST, STRANGE, SI, SH])).body
    serials = [record["Inverters"][0]["SerialNumber"] for record in body["Data"]]
    assert body["TotalCount"] == 3
    assert sorted(serials) == [ST, SH, SI]
    assert serials != [ST, SI, SH]


@pytest.mark.parametrize("ids", [[], [ST] * 101, "RB", [1], {"a": 1}])
async def test_a_list_of_ids_that_is_none_or_too_long_is_refused(
    customer: Customer, ids: object
) -> None:
    path = "/Api/v2/EnergyData/Multiple/BySerialNumber/Dynamic"
    assert (await customer.post(path, ids)).status == 400


async def test_history_agrees_with_what_was_shown_live(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    live = []
    for _ in range(5):
        live.append((await customer.get(reading(ST))).data)
        clock.shift(60)
    start, end = (record["TimestampUtc"].translate(COMPACT) for record in (live[0], live[-1]))
    answer = await customer.get(past(ST, f"From/{start}/To/{end}"))
    assert answer.body == {"TotalCount": 5, "Data": live}
    truth = simulator.truth(ST, NOW.timestamp() - 5)
    assert truth is not None
    assert live[0].items() <= truth.items()


async def test_a_period_excludes_its_end_and_lists_the_oldest_first(customer: Customer) -> None:
    newest = (await customer.get(reading(SH))).data["TimestampUtc"]
    answer = await customer.get(past(SH, f"PeriodBeforeUtc/{newest.translate(COMPACT)}/10"))
    times = [record["TimestampUtc"] for record in answer.data]
    assert len(times) == 10
    assert times == sorted(times)
    assert times[-1] < newest


@pytest.mark.parametrize(
    "rest",
    [
        "From/20260301T000000Z/To/20260301T010001Z",
        "From/20260301T010000Z/To/20260301T000000Z",
        "From/2026-03-01T00:00:00Z/To/20260301T010000Z",
        "PeriodBeforeUtc/20260301T000000Z/61",
        "PeriodBeforeUtc/20260301T000000Z/0",
        "PeriodBeforeUtc/20260301T000000Z/ten",
    ],
)
async def test_history_out_of_bounds_is_a_bad_request(customer: Customer, rest: str) -> None:
    assert (await customer.get(past(ST, rest))).status == 400


@pytest.mark.parametrize(
    ("start", "end", "records"),
    [
        ("20260301T000000Z", "20260301T010000Z", 60),
        ("20260201T000000Z", "20260201T010000Z", 0),
        ("20260302T020030Z", "20260302T030030Z", 0),
    ],
    ids=["an hour", "before commissioning", "the future"],
)
async def test_history_is_whole_since_commissioning_and_until_now(
    customer: Customer, start: str, end: str, records: int
) -> None:
    body = (await customer.get(past(ST, f"From/{start}/To/{end}"))).body
    assert body["TotalCount"] == len(body["Data"]) == records


async def test_the_journal_has_every_request(simulator: Simulator, stranger: Customer) -> None:
    await stranger.sign_in()
    await stranger.get(NODES, page="0")
    await stranger.get("/Api/v2/Nothing")
    journal = simulator.journal
    assert [(one.time, one.method, one.path, one.status) for one in journal.entries] == [
        (NOW.timestamp(), "POST", "/Api/v2/Auth/token", 200),
        (NOW.timestamp(), "GET", NODES, 200),
        (NOW.timestamp(), "GET", "/Api/v2/Nothing", 404),
    ]
    assert journal.statuses == {"200": 2, "404": 1}
    assert (journal.count("With/Nodes"), journal.count()) == (1, 3)
    journal.clear()
    assert (journal.entries, journal.count()) == ((), 0)
