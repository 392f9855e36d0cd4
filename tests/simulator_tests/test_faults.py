"""Each fault does what it says, to whom it says, as often as it says."""

import asyncio
import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
import time_machine

from simulator import Fault, Kind, Simulator, build_world
from simulator.faults import Faults, How
from simulator.records import COUNTERS, Records
from simulator.server import ELSEWHERE
from simulator_tests.conftest import NOW
from simulator_tests.customer import Customer

NODES = "/Api/v2/EnergyData/With/Nodes"
SERIAL = "/Api/v2.21/EnergyData/Dynamic/BySerialNumber"
MANY = "/Api/v2.21/EnergyData/Multiple/BySerialNumber/Dynamic"
ST, SH, SI = "RB26030100000011", "RB26030100000021", "RB26030100000022"
PAIR_SITE = "S2026030100002"


# The model


async def test_a_fault_strikes_only_so_many_times(simulator: Simulator, customer: Customer) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, status=502, times=2))
    assert [(await customer.get(NODES)).status for _ in range(3)] == [502, 502, 200]


async def test_a_fault_strikes_only_its_path(simulator: Simulator, customer: Customer) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, path="/Static"))
    assert (await customer.get(NODES)).status == 200
    assert (await customer.get(f"/Api/v2/EnergyData/{PAIR_SITE}/Static")).status == 503


async def test_a_fault_of_one_inverter_strikes_whatever_request_means_it(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, serial=SH))
    assert (await customer.get(f"{SERIAL}/{ST}")).status == 200
    assert (await customer.get(f"{SERIAL}/{SH}")).status == 503
    assert (await customer.get(f"/Api/v2/EnergyData/{PAIR_SITE}/Static")).status == 503
    assert (await customer.post(MANY, [ST])).status == 200
    assert (await customer.post(MANY, [ST, SH])).status == 503


async def test_a_fault_strikes_with_its_probability(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, probability=0.5))
    statuses = [(await customer.get(NODES)).status for _ in range(60)]
    assert 10 < statuses.count(503) < 50


async def test_faults_are_switched_over_http(customer: Customer) -> None:
    path = "/_simulator/faults"
    answer = await customer.post(path, [{"kind": "status"}, {"kind": "offline", "serial": ST}])
    assert answer.body == {"ids": [1, 2]}
    assert (await customer.get(NODES)).status == 503
    listed = (await customer.get(path)).body
    assert (listed["1"]["kind"], listed["2"]["serial"]) == ("status", ST)
    await customer.delete(f"{path}/1")
    assert (await customer.get(NODES)).status == 200
    await customer.delete(path)
    assert (await customer.get(path)).body == {}


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "gremlins"}, {"kind": "slow", "sleep": 3}, {}, 7, {"kind": "drop", "times": 0}],
)
async def test_a_fault_that_does_not_exist_is_refused(customer: Customer, wrong: object) -> None:
    assert (await customer.post("/_simulator/faults", wrong)).status == 400


# The line


async def test_too_many_requests_with_and_without_a_time_to_come_back(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, status=429, retry_after="7", times=1))
    simulator.faults.add(Fault(kind=Kind.STATUS, status=429, path="Nodes"))
    first, second = await customer.get(NODES), await customer.get(NODES)
    assert (first.status, first.headers.get("Retry-After")) == (429, "7")
    assert (second.status, second.headers.get("Retry-After")) == (429, None)


async def test_a_line_that_is_cut_before_the_answer(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.DROP, how="before"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await customer.get(NODES)
    assert simulator.journal.entries[-1].status is None


async def test_a_line_that_is_cut_in_the_middle_of_the_answer(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.DROP, how="middle"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await customer.get(NODES)
    assert simulator.journal.entries[-1].status is None


async def test_html_and_another_shape_instead_of_data(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.NOT_JSON, times=1))
    html = await customer.get(NODES)
    assert (html.status, html.headers["Content-Type"][:9]) == (200, "text/html")
    simulator.faults.add(Fault(kind=Kind.WRONG_SHAPE, times=1))
    assert (await customer.get(NODES)).body == [{"Unexpected": True}]


async def test_a_port_may_answer_with_what_is_not_http(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.NOT_HTTP))
    reader, writer = await asyncio.open_connection(
        *simulator.url.removeprefix("http://").split(":")
    )
    writer.write(f"GET {NODES} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert await reader.read() == bytes((21, 3, 3, 0, 2, 2, 40))
    writer.close()
    with pytest.raises(aiohttp.ClientError):
        await customer.get(NODES)


async def test_an_answer_may_be_very_large_and_still_be_json(
    simulator: Simulator, customer: Customer
) -> None:
    usual = (await customer.get(NODES)).body
    simulator.faults.add(Fault(kind=Kind.OVERSIZED, megabytes=3))
    headers = {"Authorization": f"Bearer {customer.token}"}
    async with aiohttp.request("GET", f"{simulator.url}{NODES}", headers=headers) as response:
        large = await response.read()
    assert len(large) > 3_000_000
    assert msgspec.json.decode(large) == usual


async def test_who_hangs_up_in_a_large_answer_does_no_harm(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.OVERSIZED, times=1))
    headers = {"Authorization": f"Bearer {customer.token}"}
    async with aiohttp.request("GET", f"{simulator.url}{NODES}", headers=headers) as response:
        assert await response.content.readexactly(100_000)
        assert response.content_length is None
    assert (await customer.get(NODES)).status == 200


async def test_requests_may_be_led_to_another_host(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.REDIRECT, status=307, times=1))
    await customer.get(NODES)
    assert simulator.journal.count(f"{ELSEWHERE}{NODES}") == 1
    assert [entry.status for entry in simulator.journal.entries[-2:]].count(307) == 1


async def test_the_url_may_have_a_name_instead_of_an_address() -> None:
    async with Simulator(build_world(commissioned=date(2026, 3, 1)), name="localhost") as simulator:
        assert re.fullmatch(r"http://localhost:\d+", simulator.url)


@pytest.mark.parametrize("kind", [Kind.SLOW, Kind.DRIP])
async def test_an_answer_may_take_its_time_as_a_whole_or_bit_by_bit(kind: Kind) -> None:
    async with (
        Simulator(build_world(commissioned=date(2026, 3, 1))) as simulator,
        aiohttp.ClientSession(simulator.url) as session,
    ):
        customer = Customer(session)
        await customer.sign_in()
        quick = await customer.get(NODES)
        simulator.faults.add(Fault(kind=kind, seconds=0.2))
        started = time.perf_counter()
        assert (await customer.get(NODES)).body == quick.body
        assert time.perf_counter() - started >= 0.15


# Tokens


async def test_expired_tokens_are_refused_until_a_new_one_is_asked_for(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.TOKEN_EXPIRY))
    assert (await customer.get(NODES)).status == 401
    await customer.sign_in()
    assert (await customer.get(NODES)).status == 200


@pytest.mark.parametrize("endpoint", ["old", "new"])
async def test_a_secret_may_become_wrong(
    simulator: Simulator, stranger: Customer, endpoint: str
) -> None:
    simulator.faults.add(Fault(kind=Kind.WRONG_SECRET))
    assert (await stranger.sign_in(endpoint)).body["error"] == "invalid_client"
    simulator.faults.clear()
    assert (await stranger.sign_in(endpoint)).status == 200


async def test_tokens_may_be_given_but_not_taken(simulator: Simulator, stranger: Customer) -> None:
    simulator.faults.add(Fault(kind=Kind.REJECT_TOKENS, times=1))
    assert (await stranger.sign_in()).status == 200
    assert (await stranger.get(NODES)).status == 401
    assert (await stranger.get(NODES)).status == 200


async def test_a_storm_of_token_requests_makes_the_cloud_falter(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    simulator.faults.add(Fault(kind=Kind.TOKEN_STORM))
    assert (await customer.get(NODES)).status == 200
    for _ in range(5):
        await customer.sign_in()
    assert (await customer.get(NODES)).status == 500
    clock.shift(61)
    assert (await customer.get(NODES)).status == 200


# Access and paths


async def test_an_inverter_may_be_forbidden_while_others_are_not(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.FORBIDDEN, serial=ST))
    assert (await customer.get(f"{SERIAL}/{ST}")).status == 403
    assert (await customer.get(f"{SERIAL}/{SH}")).status == 200
    assert serials(await customer.post(MANY, [ST, SH])) == {SH}


async def test_the_later_version_may_be_missing(simulator: Simulator, customer: Customer) -> None:
    simulator.faults.add(Fault(kind=Kind.V2_ONLY))
    assert (await customer.get(f"{SERIAL}/{ST}")).status == 404
    assert (await customer.get(f"{SERIAL}/{ST}".replace("2.21", "2"))).status == 200


@pytest.mark.parametrize("status", [400, 403, 404, 405])
async def test_multiple_calls_may_be_refused(
    simulator: Simulator, customer: Customer, status: int
) -> None:
    simulator.faults.add(Fault(kind=Kind.NO_MULTIPLE, status=status))
    assert (await customer.post(MANY, [ST])).status == status
    assert (await customer.get(f"{SERIAL}/{ST}")).status == 200


# Content


async def test_every_plain_value_may_be_null(simulator: Simulator, customer: Customer) -> None:
    simulator.faults.add(Fault(kind=Kind.NULLS))
    record = (await customer.get(f"{SERIAL}/{ST}")).data
    left = {path for path, value in leaves(record) if value is not None}
    assert left == {"TimestampUtc", "SiteId", "Phases.Id", "Status", "Inverters.SerialNumber"}
    assert len(record["Battery"]["Modules"]) == 4


@pytest.mark.parametrize("field", ["Battery", "PVs", "Phases"])
async def test_a_part_may_be_null_empty_or_absent(
    simulator: Simulator, customer: Customer, field: str
) -> None:
    whole = (await customer.get(f"{SERIAL}/{ST}")).data
    for how, expected in (("null", None), ("empty", type(whole[field])()), ("absent", "absent")):
        fault = {"kind": "nulls", "fields": [field], "how": how, "serial": ST}
        await customer.post("/_simulator/faults", fault)
        records = (await customer.post(MANY, [ST, SH])).data
        simulator.faults.clear()
        mine, other = sorted(records, key=lambda record: str(record["SiteId"]))
        assert mine.get(field, "absent") == expected
        assert other[field]
        assert mine.keys() | {field} == whole.keys()


async def test_words_may_be_unheard_of(simulator: Simulator, customer: Customer) -> None:
    simulator.faults.add(Fault(kind=Kind.UNKNOWN_ENUMS))
    record = (await customer.get(f"{SERIAL}/{ST}")).data
    changed = {path for path, value in leaves(record) if value == "Unheard-of"}
    assert changed == {
        "Status",
        "Inverters.PowerMode.InverterMode",
        "Battery.VoltageType",
        "Battery.Cabinets.FanState",
    }


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("past", "2026-03-02T00:59:56Z"),
        ("future", "2026-03-02T02:59:56Z"),
        ("garbled", "0000-13-32T25:61:61Z"),
        ("absent", None),
    ],
)
async def test_the_time_of_a_reading_may_be_wrong(
    simulator: Simulator, customer: Customer, how: How, expected: str | None
) -> None:
    right = (await customer.get(f"{SERIAL}/{ST}")).data
    assert right["TimestampUtc"] == "2026-03-02T01:59:56Z"
    simulator.faults.add(Fault(kind=Kind.TIMESTAMPS, how=how, seconds=3600, serial=ST))
    wrong = (await customer.get(f"{SERIAL}/{ST}")).data
    assert wrong.get("TimestampUtc") == expected
    assert {**wrong, "TimestampUtc": right["TimestampUtc"]} == right


@pytest.mark.parametrize(
    ("how", "expected"), [("absent", "absent"), ("null", None), ("all", [SH, SI])]
)
async def test_the_list_of_inverters_may_mislead(
    customer: Customer, how: str, expected: object
) -> None:
    await customer.post("/_simulator/faults", {"kind": "inverters", "how": how})
    listed = (await customer.get(f"{SERIAL}/{SI}")).data.get("Inverters", "absent")
    if isinstance(expected, list):
        listed = [inverter["SerialNumber"] for inverter in listed]
    assert listed == expected


async def test_nodes_may_lack_serials_and_be_of_unknown_types(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.NO_SERIAL_NUMBER))
    simulator.faults.add(Fault(kind=Kind.UNKNOWN_NODES))
    first = (await customer.get(NODES)).data[0]
    pump, gateway = first["Nodes"]
    assert pump["Type"] == gateway["Type"] == "Unheard-of"
    assert gateway["Nodes"][0] == {"Id": ST, "Nmi": None, "Type": "Inverter", "Nodes": None}


async def test_an_inverter_may_be_installed_later(simulator: Simulator, customer: Customer) -> None:
    added = simulator.world.account.sites[0].spare.serial
    assert (await customer.get(f"{SERIAL}/{added}")).status == 404
    simulator.faults.add(Fault(kind=Kind.EXTRA_INVERTER))
    first, second = (await customer.get(NODES)).data
    assert [node["Id"] for node in first["Nodes"]] == [ST, added, "Houseload"]
    assert [node["Id"] for node in second["Nodes"]] == [SH, SI, "Houseload"]
    assert (await customer.get(f"{SERIAL}/{added}")).status == 200


# Records


async def test_an_inverter_offline_sends_nothing_and_leaves_a_hole(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    before = (await customer.get(f"{SERIAL}/{ST}")).data
    simulator.faults.add(Fault(kind=Kind.OFFLINE, serial=ST))
    clock.shift(timedelta(minutes=10))
    during = (await customer.get(f"{SERIAL}/{ST}")).data
    assert during == {**before, "Status": "Offline"}
    static = await customer.get(f"/Api/v2/EnergyData/Static/BySerialNumber/{ST}")
    assert static.data["StaticData"]["Status"] == "Offline"
    assert (await customer.get(f"{SERIAL}/{SH}")).data["Status"] == "OK"
    simulator.faults.clear()
    clock.shift(timedelta(minutes=10))
    assert (await customer.get(f"{SERIAL}/{ST}")).data["Status"] == "OK"
    assert len(await history(customer, minutes=30)) == 20


async def test_records_made_offline_may_be_sent_later(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    simulator.faults.add(Fault(kind=Kind.OFFLINE, how="late"))
    clock.shift(timedelta(minutes=10))
    assert len(await history(customer, minutes=30)) == 20
    simulator.faults.clear()
    assert len(await history(customer, minutes=30)) == 30


async def test_counters_start_over_and_count_on_from_there(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    before = (await customer.get(f"{SERIAL}/{ST}")).data
    simulator.faults.add(Fault(kind=Kind.COUNTER_RESET, serial=ST, value=5))
    clock.shift(timedelta(minutes=50))
    after = (await customer.get(f"{SERIAL}/{ST}")).data
    inverter = simulator.world.inverter(ST)
    assert inverter is not None
    undisturbed = Records(inverter, Faults(), NOW.timestamp()).truth(time.time())
    assert undisturbed is not None
    for name in COUNTERS.values():
        grown = (undisturbed.counters[name] or 0) - before[name]
        # The reset came half a minute after the record before it, so a little is lost.
        assert after[name] == pytest.approx(5 + grown, abs=0.1)
    assert 5 < after["PvAllTimeEnergykWh"] < before["PvAllTimeEnergykWh"]
    assert simulator.truth(ST) == after


@pytest.mark.parametrize(("kind", "expected"), [("counter_zero", 0), ("counter_null", None)])
async def test_one_reading_may_have_a_counter_wrong(
    customer: Customer, clock: time_machine.Traveller, kind: str, expected: object
) -> None:
    field = "ImportAllTimeEnergykWh"
    await customer.post("/_simulator/faults", {"kind": kind, "fields": [field]})
    clock.shift(timedelta(minutes=5))
    records = await history(customer, minutes=10)
    assert len(records) == 10
    assert [record[field] for record in records].count(expected) == 1
    assert all(record["LoadAllTimeEnergykWh"] for record in records)


@pytest.mark.parametrize("more", [500.0, -0.25])
async def test_a_counter_may_be_off_in_one_reading(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller, more: float
) -> None:
    field = "ImportAllTimeEnergykWh"
    simulator.faults.add(Fault(kind=Kind.COUNTER_SHIFT, serial=ST, fields=(field,), value=more))
    clock.shift(timedelta(minutes=5))
    wrong = [
        error for error in errors(simulator, await history(customer, minutes=10), field) if error
    ]
    assert wrong == [more]


async def test_a_counter_that_falls_does_not_go_below_zero(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    simulator.faults.add(Fault(kind=Kind.COUNTER_SHIFT, value=-1e6))
    clock.shift(timedelta(minutes=1))
    record = (await customer.get(f"{SERIAL}/{ST}")).data
    assert {record[field] for field in COUNTERS.values()} == {0}


async def test_a_counter_may_tremble_a_little_downwards_and_is_right_afterwards(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    field = "ImportAllTimeEnergykWh"
    number = simulator.faults.add(Fault(kind=Kind.COUNTER_JITTER, serial=ST, value=0.05))
    clock.shift(timedelta(minutes=10))
    simulator.faults.clear(number)
    clock.shift(timedelta(minutes=5))
    records = await history(customer, minutes=20)
    off = errors(simulator, records, field)
    before, wrong, after = off[:5], off[5:-5], off[-5:]
    assert before == after == [0.0] * 5
    assert len(set(wrong)) > 5
    assert min(wrong) >= -0.05
    assert max(wrong) <= 0
    assert records == await history(customer, minutes=20)


def leaves(value: Any, path: str = "") -> list[tuple[str, object]]:  # noqa: ANN401 -- any JSON
    if isinstance(value, dict):
        return [leaf for name, one in value.items() for leaf in leaves(one, f"{path}.{name}")]
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one, path)]
    return [(path.removeprefix("."), value)]


def serials(answer: Any) -> set[str]:  # noqa: ANN401 -- an answer's own data
    return {record["Inverters"][0]["SerialNumber"] for record in answer.data}


def errors(simulator: Simulator, records: list[dict[str, Any]], field: str) -> list[float]:
    """Return by how much each record's counter is off, kWh."""
    times = (datetime.fromisoformat(record["TimestampUtc"]).timestamp() for record in records)
    truths = [simulator.truth(ST, at) or {} for at in times]
    return [
        round(record[field] - truth[field], 3)
        for record, truth in zip(records, truths, strict=True)
    ]


async def history(customer: Customer, minutes: int) -> list[dict[str, Any]]:
    when = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = f"/Api/v2/EnergyData/{ST}/Dynamic/BySerialNumber/PeriodBeforeUtc/{when}/{minutes}"
    data: list[dict[str, Any]] = (await customer.get(path)).data
    return data
