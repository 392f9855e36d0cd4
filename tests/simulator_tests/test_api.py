"""The simulated API answers as the dossier says the real one does."""

from datetime import date, timedelta

import aiohttp
import pytest
import time_machine

from simulator import Simulator, build_world
from simulator.times import compact, iso
from simulator_tests.conftest import NOW
from simulator_tests.customer import Customer

ENERGY = "/Api/v2/EnergyData"
V221 = "/Api/v2.21/EnergyData"
ST, SH, SI = "RB26030100000011", "RB26030100000021", "RB26030100000022"
ST_SITE, PAIR_SITE, PAIR_NMI = "S2026030100001", "S2026030100002", "6000000002"
STRANGE = "RB00000000000000"


# Tokens


@pytest.mark.parametrize("endpoint", ["old", "new"])
async def test_either_endpoint_gives_a_token_that_opens_the_data(
    stranger: Customer, endpoint: str
) -> None:
    answer = await stranger.sign_in(endpoint)
    assert answer.body["token_type"] == "Bearer"
    assert answer.body["expires_in"] == 3599
    assert ("ext_expires_in" in answer.body) == (endpoint == "new")
    assert (await stranger.get("/Api/v2/Alive")).body == "OK"


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


async def test_the_old_endpoint_takes_basic_authentication_too(
    simulator: Simulator, stranger: Customer
) -> None:
    account = simulator.world.account
    login = aiohttp.encode_basic_auth(account.client_id, account.credential)
    form = {"grant_type": "client_credentials"}
    headers = {"Authorization": login}
    answer = await stranger.ask("POST", "/Api/v2/Auth/token", data=form, headers=headers)
    assert answer.status == 200


async def test_data_need_a_token_that_is_good_and_not_expired(
    stranger: Customer, clock: time_machine.Traveller
) -> None:
    assert (await stranger.get(ENERGY)).status == 401
    stranger.token = "made-up"
    assert (await stranger.get(ENERGY)).status == 401
    stranger.token = ""
    await stranger.sign_in()
    clock.shift(3598)
    assert (await stranger.get(ENERGY)).status == 200
    clock.shift(1)
    assert (await stranger.get(ENERGY)).status == 401


# Discovery


async def test_nodes_show_sites_inverters_and_house_loads(customer: Customer) -> None:
    answer = await customer.get(f"{ENERGY}/With/Nodes")
    first, second = answer.data
    assert (first["Id"], first["Nmi"], first["Type"]) == (ST_SITE, None, "Site")
    assert first["Nodes"] == [
        {"SerialNumber": ST, "Id": ST, "Nmi": None, "Type": "Inverter", "Nodes": None},
        {"Id": "Houseload", "Nmi": None, "Type": "Houseload", "Nodes": None},
    ]
    assert second["Nmi"] == PAIR_NMI
    assert [node["Id"] for node in second["Nodes"]] == [SH, SI, "Houseload"]


@pytest.mark.parametrize("path", [ENERGY, f"{ENERGY}/With/Nodes"])
async def test_pages_say_how_much_they_hold_and_how_much_there_is(
    simulator: Simulator, stranger: Customer, path: str
) -> None:
    simulator.world.add_account(["fleet"], inverters=25, client_id="large")
    await stranger.sign_in(client_id="large")
    seen = []
    for page, records in ((0, 10), (1, 10), (2, 5), (3, 0)):
        body = (await stranger.get(path, page=str(page), pageSize="10")).body
        assert {**body, "Data": len(body["Data"])} == {
            "Page": page,
            "PageSize": 10,
            "PageCount": records,
            "TotalCount": 25,
            "Data": records,
        }
        seen += [one if isinstance(one, str) else one["Id"] for one in body["Data"]]
    assert len(set(seen)) == 25


@pytest.mark.parametrize(
    "query", [{"page": "-1"}, {"pageSize": "0"}, {"pageSize": "1001"}, {"page": "one"}]
)
async def test_an_impossible_page_is_refused(customer: Customer, query: dict[str, str]) -> None:
    assert (await customer.get(ENERGY, **query)).status == 400


async def test_a_site_is_found_by_serial_number_and_by_nmi(customer: Customer) -> None:
    assert (await customer.get(f"/Api/v2/Site/SiteId/By/SerialNumber/{SI}")).data == PAIR_SITE
    assert (await customer.get(f"/Api/v2/Site/SiteId/By/Nmi/{PAIR_NMI}")).data == PAIR_SITE


@pytest.mark.parametrize(
    "path",
    [
        f"{V221}/Dynamic/BySerialNumber/{{}}",
        f"{ENERGY}/Dynamic/BySerialNumber/{{}}",
        f"{ENERGY}/Static/BySerialNumber/{{}}",
        "/Api/v2/Configuration/Configuration/BySerialNumber/{}",
        "/Api/v2/Schedule/By/SerialNumber/{}",
    ],
)
async def test_unknown_serials_are_not_found_and_foreign_ones_forbidden(
    simulator: Simulator, customer: Customer, path: str
) -> None:
    foreign = simulator.world.add_account(["sh"], client_id="other").sites[0]
    assert (await customer.get(path.format(STRANGE))).status == 404
    assert (await customer.get(path.format(foreign.spare.serial))).status == 404
    assert (await customer.get(path.format(foreign.inverters[0].serial))).status == 403
    assert (await customer.get(f"{ENERGY}/{foreign.site_id}/Static")).status == 403
    assert (await customer.get(f"{ENERGY}/S0/Static")).status == 404


# Static data and configuration


async def test_static_data_have_the_quirks_of_the_real_ones(customer: Customer) -> None:
    data = (await customer.get(f"{ENERGY}/{ST_SITE}/Static")).data
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


async def test_static_data_list_all_inverters_by_site_but_one_by_serial_or_nmi(
    customer: Customer,
) -> None:
    for path, serials in (
        (f"{PAIR_SITE}/Static", [SH, SI]),
        (f"{PAIR_NMI}/StaticByNmi", [SH]),
        (f"Static/BySerialNumber/{SI}", [SI]),
    ):
        nodes = (await customer.get(f"{ENERGY}/{path}")).data["Nodes"]
        assert [node["StaticData"]["Id"] for node in nodes] == [*serials, "HouseLoad"]


async def test_the_configuration_has_the_reserve_if_there_is_a_battery(customer: Customer) -> None:
    path = "/Api/v2/Configuration"
    by_site = (await customer.get(f"{path}/{ST_SITE}/Configuration")).data
    by_serial = (await customer.get(f"{path}/Configuration/BySerialNumber/{ST}")).data
    assert by_site == by_serial
    assert (by_site["MinSoC0to1"], by_site["MinOffgridSoC0to1"]) == (0.2, 0.1)
    without = (await customer.get(f"{path}/Configuration/BySerialNumber/{SI}")).data
    assert without["MinSoC0to1"] is None


async def test_many_configurations_come_with_an_error_where_one_failed(customer: Customer) -> None:
    path = "/Api/v2/Configuration/Multiple/BySerialNumber/Configuration"
    body = (await customer.post(path, [ST, STRANGE])).body
    good, bad = body["Data"]
    assert body["TotalCount"] == 2
    assert (good["Data"]["SerialNumber"], good["ErrorMsg"]) == (ST, None)
    assert (bad["Data"], bad["ErrorMsg"]) == (None, "not found")


# Dynamic data, now


async def test_the_newest_record_is_the_same_by_site_nmi_and_serial(customer: Customer) -> None:
    by_site = (await customer.get(f"{ENERGY}/{PAIR_SITE}/Dynamic")).data
    by_nmi = (await customer.get(f"{ENERGY}/{PAIR_NMI}/DynamicByNmi")).data
    by_serial = (await customer.get(f"{ENERGY}/Dynamic/BySerialNumber/{SH}")).data
    assert by_site == by_nmi == by_serial
    assert [inverter["SerialNumber"] for inverter in by_site["Inverters"]] == [SH]


async def test_the_later_version_adds_battery_counters_strings_and_battery(
    customer: Customer,
) -> None:
    old = (await customer.get(f"{ENERGY}/Dynamic/BySerialNumber/{ST}")).data
    new = (await customer.get(f"{V221}/Dynamic/BySerialNumber/{ST}")).data
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


@pytest.mark.parametrize(
    "path", [f"{PAIR_NMI}/DynamicByNmi", f"{ST}/Dynamic/BySerialNumber/At/20260302T010000Z"]
)
async def test_the_later_version_exists_for_the_known_paths_only(
    customer: Customer, path: str
) -> None:
    assert (await customer.get(f"{V221}/{path}")).status == 404
    assert (await customer.get(f"{V221}/{ST_SITE}/Dynamic")).status == 200


@pytest.mark.parametrize("root", [ENERGY, V221])
async def test_many_records_come_without_the_unknown_and_in_an_order_of_their_own(
    customer: Customer, root: str
) -> None:
    path = f"{root}/Multiple/BySerialNumber/Dynamic"
    body = (await customer.post(path, [ST, STRANGE, SI, SH])).body
    serials = [record["Inverters"][0]["SerialNumber"] for record in body["Data"]]
    assert body["TotalCount"] == 3
    assert sorted(serials) == [ST, SH, SI]
    assert serials != [ST, SI, SH]


@pytest.mark.parametrize("ids", [[], [ST] * 101, "RB", [1], {"a": 1}])
async def test_a_list_of_ids_that_is_none_or_too_long_is_refused(
    customer: Customer, ids: object
) -> None:
    assert (await customer.post(f"{ENERGY}/Multiple/Dynamic", ids)).status == 400


async def test_metadata_come_when_asked_for_and_their_links_work(customer: Customer) -> None:
    path = f"{ENERGY}/Dynamic/BySerialNumber/{ST}"
    assert set((await customer.get(path)).body) == {"Data"}
    body = (await customer.get(path, metadata="true")).body
    assert list(body["Metadata"]["Back"]) == ["1m", "10m", "1h", "1d", "1w"]
    here = (await customer.get(body["Metadata"]["Permalink"])).data
    assert here["TimestampUtc"] == body["Data"]["TimestampUtc"]
    before = (await customer.get(body["Metadata"]["Back"]["1d"])).data
    assert before["TimestampUtc"] == body["Data"]["TimestampUtc"].replace("03-02", "03-01")


# Dynamic data, history


async def test_history_agrees_with_what_was_shown_live(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    live = []
    for _ in range(5):
        live.append((await customer.get(f"{ENERGY}/{ST_SITE}/Dynamic")).data)
        clock.shift(60)
    first, last = live[0]["TimestampUtc"], live[-1]["TimestampUtc"]
    start, end = (text.replace("-", "").replace(":", "") for text in (first, last))
    expected = {"TotalCount": 5, "Data": live}
    for path in (
        f"{ST_SITE}/Dynamic/From/{start}/To/{end}",
        f"{ST}/Dynamic/BySerialNumber/From/{start}/To/{end}",
    ):
        assert (await customer.get(f"{ENERGY}/{path}")).body == expected
    truth = simulator.truth(ST, NOW.timestamp() - 5)
    assert truth is not None
    assert live[0].items() <= truth.items()


async def test_a_period_excludes_its_end_and_lists_the_oldest_first(customer: Customer) -> None:
    newest = (await customer.get(f"{ENERGY}/{PAIR_NMI}/DynamicByNmi")).data["TimestampUtc"]
    when = newest.replace("-", "").replace(":", "")
    for path in (
        f"{PAIR_SITE}/Dynamic/PeriodBeforeUtc/{when}/10",
        f"{PAIR_NMI}/Dynamic/PeriodBeforeUtcByNmi/{when}/10",
        f"{SH}/Dynamic/BySerialNumber/PeriodBeforeUtc/{when}/10",
    ):
        times = [record["TimestampUtc"] for record in (await customer.get(f"{ENERGY}/{path}")).data]
        assert len(times) == 10
        assert times == sorted(times)
        assert times[-1] < newest


async def test_the_latest_before_a_moment_is_searched_no_further_back_than_asked(
    customer: Customer,
) -> None:
    when = compact(NOW.timestamp() + 600)
    near = f"{ENERGY}/{ST}/Dynamic/BySerialNumber/LatestBeforeUtc/{when}/5"
    assert (await customer.get(near)).status == 404
    far = near.removesuffix("/5") + "/60"
    live = (await customer.get(f"{ENERGY}/{ST_SITE}/Dynamic")).data
    assert (await customer.get(far)).data == live


async def test_at_needs_the_very_second_of_a_record(customer: Customer) -> None:
    live = (await customer.get(f"{ENERGY}/{ST_SITE}/Dynamic")).data
    when = live["TimestampUtc"].replace("-", "").replace(":", "")
    assert (await customer.get(f"{ENERGY}/{ST_SITE}/Dynamic/At/{when}")).data == live
    beside = when[:-3] + f"{(int(when[-3:-1]) + 1) % 60:02d}Z"
    assert (await customer.get(f"{ENERGY}/{ST_SITE}/Dynamic/At/{beside}")).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "From/20260301T000000Z/To/20260301T010001Z",
        "From/20260301T010000Z/To/20260301T000000Z",
        "From/2026-03-01T00:00:00Z/To/20260301T010000Z",
        "At/yesterday",
        "PeriodBeforeUtc/20260301T000000Z/61",
        "PeriodBeforeUtc/20260301T000000Z/0",
        "LatestBeforeUtc/20260301T000000Z/61",
        "LatestBeforeUtc/20260301T000000Z/ten",
    ],
)
async def test_history_out_of_bounds_is_a_bad_request(customer: Customer, path: str) -> None:
    assert (await customer.get(f"{ENERGY}/{ST_SITE}/Dynamic/{path}")).status == 400


async def test_history_is_whole_for_an_hour_and_empty_before_commissioning(
    customer: Customer,
) -> None:
    path = f"{ENERGY}/{ST_SITE}/Dynamic/From/{{}}/To/{{}}"
    whole = await customer.get(path.format("20260301T000000Z", "20260301T010000Z"))
    assert whole.body["TotalCount"] == 60
    empty = await customer.get(path.format("20260201T000000Z", "20260201T010000Z"))
    assert empty.body == {"TotalCount": 0, "Data": []}


async def test_the_future_is_not_shown(customer: Customer) -> None:
    start, end = compact(NOW.timestamp()), compact(NOW.timestamp() + 3600)
    body = (await customer.get(f"{ENERGY}/{ST_SITE}/Dynamic/From/{start}/To/{end}")).body
    assert body["TotalCount"] == 0


# Schedules


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_schedule_is_listed_some_seconds_after_its_creation(
    customer: Customer, clock: time_machine.Traveller, slash: str
) -> None:
    new = {
        "SerialNumber": ST,
        "UserNotes": "simulated",
        "StartTimeUtc": "2026-03-02T16:00:00+10:00",
        "Duration": "1.02:00:00",
        "DesiredMode": {"InverterMode": "ExportPower", "ArgumentInWatts": 5000},
    }
    created = await customer.post(f"/Api/v2/Schedule/Create/By/SerialNumber{slash}", new)
    number = created.data["ScheduleId"]
    listing = f"/Api/v2/Schedule/By/SerialNumber/{ST}"
    empty: dict[str, list[object]] = {"DailySchedules": [], "Schedules": []}
    assert (await customer.get(listing)).data == empty
    clock.shift(5)
    item = {
        "ScheduleId": number,
        "SiteId": ST_SITE,
        "SerialNumber": ST,
        "UserNotes": "simulated",
        "StartTimeUtc": "2026-03-02T06:00:00Z",
        "Duration": "1.02:00:00",
        "DesiredMode": {"InverterMode": "ExportPower", "ArgumentInWatts": 5000},
    }
    assert (await customer.get(listing)).data == {"DailySchedules": [], "Schedules": [item]}
    assert (await customer.get(f"{listing}/{number}")).data == item
    assert (await customer.delete(f"{listing}/{number}")).data is True
    assert (await customer.get(listing)).data == empty
    assert (await customer.delete(f"{listing}/{number}")).status == 404


async def test_past_schedules_are_listed_only_on_request(
    customer: Customer, clock: time_machine.Traveller
) -> None:
    new = {
        "SiteId": ST_SITE,
        "StartTimeUtc": iso(NOW.timestamp()),
        "Duration": "00:30:00",
        "DesiredMode": {"InverterMode": "Auto"},
    }
    assert (await customer.post("/Api/v2/Schedule/Create", new)).status == 200
    clock.shift(timedelta(minutes=31))
    listing = f"/Api/v2/Schedule/By/Site/{ST_SITE}"
    assert (await customer.get(listing)).data["Schedules"] == []
    stale = (await customer.get(listing, includeStale="true")).data["Schedules"]
    assert [item["Duration"] for item in stale] == ["00:30:00"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"Duration": "25:00:00"},
        {"StartTimeUtc": "soon"},
        {"DesiredMode": {"InverterMode": "Stop"}},
        {"DesiredMode": None},
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused(
    customer: Customer, wrong: dict[str, object]
) -> None:
    new = {
        "SiteId": ST_SITE,
        "StartTimeUtc": "2026-03-02T06:00:00Z",
        "Duration": "01:00:00",
        "DesiredMode": {"InverterMode": "Auto"},
    }
    assert (await customer.post("/Api/v2/Schedule/Create", {**new, **wrong})).status == 400
    assert (await customer.post("/Api/v2/Schedule/Create", new)).status == 200


# Operating envelopes


def envelope(**changes: object) -> dict[str, object]:
    return {
        "EventId": "evening",
        "StartAtUtc": "2026-03-02T03:00:00Z",
        "EndAtUtc": "2026-03-02T04:00:00+00:00",
        "MaxExportPowerW": 0,
        "SiteId": ST_SITE,
        **changes,
    }


async def test_an_envelope_lives_from_creation_to_deletion(
    customer: Customer, clock: time_machine.Traveller
) -> None:
    root = "/Api/v2/OperatingEnvelope"
    created = await customer.post(f"{root}/Create/By/Site", envelope())
    expected = {"SiteId": ST_SITE, "Nmi": None, "EventId": "evening", "ErrorMessage": None}
    assert created.data == expected
    listing = f"{root}/By/Site/{ST_SITE}"
    assert (await customer.get(listing)).body == {"TotalCount": 0, "Data": []}
    clock.shift(5)
    item = (await customer.get(listing)).data[0]
    assert (item["MaxExportPowerW"], item["MaxImportPowerW"]) == (0, None)
    assert (item["EndAtUtc"], item["Status"]) == ("2026-03-02T04:00:00Z", "Scheduled")
    clock.shift(timedelta(hours=3))
    await customer.sign_in()
    assert (await customer.get(listing)).data == []
    past = (await customer.get(listing, pastHours="2")).data
    assert [one["Status"] for one in past] == ["ReportFinished"]
    assert (await customer.delete(f"{root}/By/EventId/evening")).data is True
    assert (await customer.get(listing, pastHours="2")).data == []


async def test_many_envelopes_are_answered_one_by_one(customer: Customer) -> None:
    path = "/Api/v2/OperatingEnvelope/Create/Multiple/By/Site"
    answer = await customer.post(path, [envelope(), envelope(SiteId="S0"), envelope(EndAtUtc="x")])
    assert answer.status == 200
    assert [one["ErrorMessage"] is None for one in answer.data] == [True, False, False]


# The simulator's own endpoints


async def test_the_truth_is_there_before_the_cloud_shows_it(
    simulator: Simulator, stranger: Customer
) -> None:
    at = "2026-03-02T02:05:00Z"
    answer = await stranger.get(f"/_simulator/truth/{ST}", at=at)
    assert answer.data == simulator.truth(ST, NOW.timestamp() + 270)
    assert "2026-03-02T02:04:00Z" <= answer.data["TimestampUtc"] <= at
    assert (await stranger.get("/_simulator/truth/RB0")).status == 404


async def test_the_journal_has_every_request_and_no_secret(
    simulator: Simulator, stranger: Customer
) -> None:
    await stranger.sign_in()
    await stranger.get(f"{ENERGY}/With/Nodes", page="0")
    await stranger.get("/Api/v2/Nothing")
    answer = await stranger.get("/_simulator/requests")
    seen = [(one["method"], one["path"], one["status"]) for one in answer.body["requests"]]
    assert seen == [
        ("POST", "/Api/v2/Auth/token", 200),
        ("GET", f"{ENERGY}/With/Nodes", 200),
        ("GET", "/Api/v2/Nothing", 404),
    ]
    assert simulator.world.account.credential not in str(answer.body)
    assert stranger.token not in str(answer.body)
    assert simulator.journal.count("With/Nodes") == 1
    await stranger.delete("/_simulator/requests")
    assert simulator.journal.entries == ()


async def test_the_journal_has_the_exact_time_beside_the_legible_one(
    stranger: Customer, clock: time_machine.Traveller
) -> None:
    clock.shift(0.25)
    await stranger.get("/Api/v2/Nothing")
    answer = await stranger.get("/_simulator/requests")
    (seen,) = answer.body["requests"]
    assert seen["time"] == "2026-03-02T02:00:30Z"
    assert seen["at"] == NOW.timestamp() + 0.25


async def test_a_fleet_answers_a_hundred_at_a_time(clock: time_machine.Traveller) -> None:  # noqa: ARG001 -- the clock must stand
    world = build_world(["fleet"], inverters=300, commissioned=date(2026, 3, 1))
    async with Simulator(world) as simulator, aiohttp.ClientSession(simulator.url) as session:
        customer = Customer(session)
        await customer.sign_in()
        serials = [inverter.serial for inverter in world.inverters]
        for start in range(0, 300, 100):
            path = f"{V221}/Multiple/BySerialNumber/Dynamic"
            body = (await customer.post(path, serials[start : start + 100])).body
            assert body["TotalCount"] == 100
