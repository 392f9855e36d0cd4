"""Each fault does what it says, to whom it says, as often as it says."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
import time_machine

from simulator import Fault, Kind, Simulator
from simulator.faults import Faults, How
from simulator.records import COUNTERS, Records
from simulator.server import ELSEWHERE
from simulator_tests.conftest import NOW
from simulator_tests.customer import Customer

NODES = "/Api/v2/EnergyData/With/Nodes"
SERIAL = "/Api/v2.21/EnergyData/Dynamic/BySerialNumber"
MANY = "/Api/v2.21/EnergyData/Multiple/BySerialNumber/Dynamic"
ST, SH = "RB26030100000011", "RB26030100000021"
STATIC = "/Api/v2/EnergyData/Static/BySerialNumber"


# The model


async def test_a_fault_strikes_only_so_many_times(simulator: Simulator, customer: Customer) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, status=502, times=2))
    assert [(await customer.get(NODES)).status for _ in range(3)] == [502, 502, 200]


async def test_a_fault_strikes_only_its_path(simulator: Simulator, customer: Customer) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, path="/Static"))
    assert (await customer.get(NODES)).status == 200
    assert (await customer.get(f"{STATIC}/{SH}")).status == 503


async def test_a_fault_of_one_inverter_strikes_whatever_request_means_it(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, serial=SH))
    assert (await customer.get(f"{SERIAL}/{ST}")).status == 200
    assert (await customer.get(f"{SERIAL}/{SH}")).status == 503
    assert (await customer.get(f"{STATIC}/{SH}")).status == 503
    assert (await customer.post(MANY, [ST])).status == 200
    assert (await customer.post(MANY, [ST, SH])).status == 503


async def test_a_fault_of_one_account_strikes_no_other(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.world.add_account(["si"], client_id="second", credential="another")
    other = Customer(customer.session, "second", "another")
    assert (await other.sign_in()).status == 200
    simulator.faults.add(Fault(kind=Kind.STATUS, client_id="second", times=1))
    simulator.faults.add(Fault(kind=Kind.NO_INVERTERS, client_id="second"))
    assert len((await customer.get(NODES)).data) == 2
    assert [(await other.get(NODES)).status for _ in range(2)] == [503, 200]
    assert (await other.get(NODES)).data == []
    simulator.faults.add(Fault(kind=Kind.TOKEN_EXPIRY, client_id="second"))
    assert (await customer.get(NODES)).status == 200
    assert (await other.get(NODES)).status == 401
    simulator.faults.add(Fault(kind=Kind.WRONG_SECRET, client_id="second"))
    assert [(await one.sign_in()).status for one in (customer, other)] == [200, 401]


# The line


async def test_too_many_requests_with_and_without_a_time_to_come_back(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.STATUS, status=429, retry_after="7", times=1))
    simulator.faults.add(Fault(kind=Kind.STATUS, status=429, path="Nodes"))
    first, second = await customer.get(NODES), await customer.get(NODES)
    assert (first.status, first.headers.get("Retry-After")) == (429, "7")
    assert (second.status, second.headers.get("Retry-After")) == (429, None)


@pytest.mark.parametrize(
    ("how", "error"),
    [("before", aiohttp.ServerDisconnectedError), ("middle", aiohttp.ClientPayloadError)],
)
async def test_a_line_may_be_cut_before_the_answer_or_in_its_middle(
    simulator: Simulator, customer: Customer, how: How, error: type[Exception]
) -> None:
    simulator.faults.add(Fault(kind=Kind.DROP, how=how))
    with pytest.raises(error):
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


async def test_requests_may_be_led_to_another_host(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.faults.add(Fault(kind=Kind.REDIRECT, status=307, times=1))
    await customer.get(NODES)
    assert simulator.journal.count(f"{ELSEWHERE}{NODES}") == 1
    assert [entry.status for entry in simulator.journal.entries[-2:]].count(307) == 1


# Access and paths


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
    outcomes: dict[How, object] = {"null": None, "empty": type(whole[field])(), "absent": "absent"}
    for how, expected in outcomes.items():
        simulator.faults.add(Fault(kind=Kind.NULLS, fields=(field,), how=how, serial=ST))
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


# Records


async def test_an_inverter_offline_sends_nothing_and_leaves_a_hole(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    before = (await customer.get(f"{SERIAL}/{ST}")).data
    simulator.faults.add(Fault(kind=Kind.OFFLINE, serial=ST))
    clock.shift(timedelta(minutes=10))
    during = (await customer.get(f"{SERIAL}/{ST}")).data
    assert during == {**before, "Status": "Offline"}
    static = await customer.get(f"{STATIC}/{ST}")
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


@pytest.mark.parametrize(("kind", "expected"), [(Kind.COUNTER_ZERO, 0), (Kind.COUNTER_NULL, None)])
async def test_one_reading_may_have_a_counter_wrong(
    simulator: Simulator,
    customer: Customer,
    clock: time_machine.Traveller,
    kind: Kind,
    expected: object,
) -> None:
    field = "ImportAllTimeEnergykWh"
    simulator.faults.add(Fault(kind=kind, fields=(field,)))
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


async def test_a_counter_may_go_on_from_a_share_of_its_value(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    field = "LoadAllTimeEnergykWh"
    undisturbed = simulator.truth(ST)
    simulator.faults.add(Fault(kind=Kind.COUNTER_STEP, serial=ST, value=0.75))
    clock.shift(timedelta(minutes=5))
    before, *_, last = await history(customer, minutes=9)
    assert undisturbed is not None
    assert 0 < last[field] - 0.75 * undisturbed[field] < before[field] / 100
    assert errors(simulator, [last], field) == [0.0]


async def test_a_counter_may_show_a_share_of_its_value_for_a_while(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    field = "LoadAllTimeEnergykWh"
    simulator.faults.add(Fault(kind=Kind.COUNTER_SHARE, serial=ST, value=0.75))
    clock.shift(timedelta(minutes=5))
    records = await history(customer, minutes=9)
    truth = simulator.truth(ST)
    (wrong,) = (error for error in errors(simulator, records, field) if error)
    assert truth is not None
    assert wrong == pytest.approx(-0.25 * truth[field], rel=0.01)


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
