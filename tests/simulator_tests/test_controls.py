"""Schedules and operating envelopes: how they are made and listed, and that inverters follow."""

from contextlib import suppress
from datetime import timedelta

import aiohttp
import pytest
import time_machine

from simulator import Fault, Kind, Simulator
from simulator.times import iso
from simulator.world import LimitOverlap, Overlap
from simulator_tests.conftest import NOW
from simulator_tests.customer import Customer

SCHEDULES = "/Api/v2/Schedule/By/SerialNumber"
NEW_SCHEDULE = "/Api/v2/Schedule/Create/By/SerialNumber"
ENVELOPES = "/Api/v2/OperatingEnvelope"
ST, SI = "RB26030100000011", "RB26030100000022"
ST_SITE = "S2026030100001"
EMPTY: dict[str, list[object]] = {"DailySchedules": [], "Schedules": []}


def schedule(**changes: object) -> dict[str, object]:
    return {
        "SerialNumber": ST,
        "UserNotes": "simulated",
        "StartTimeUtc": iso(NOW.timestamp()),
        "Duration": "02:00:00",
        "DesiredMode": {"InverterMode": "ChargeBattery", "ArgumentInWatts": 3000},
        **changes,
    }


def envelope(**changes: object) -> dict[str, object]:
    return {
        "EventId": "evening",
        "StartAtUtc": iso(NOW.timestamp()),
        "EndAtUtc": "2026-03-02T04:00:00+00:00",
        "MaxExportPowerW": 0,
        "SiteId": ST_SITE,
        **changes,
    }


async def made(customer: Customer, **changes: object) -> str:
    return str((await customer.post(NEW_SCHEDULE, schedule(**changes))).data["ScheduleId"])


async def listed(customer: Customer) -> list[str]:
    items = (await customer.get(f"{SCHEDULES}/{ST}")).data["Schedules"]
    return [item["ScheduleId"] for item in items]


def mode(simulator: Simulator, after: timedelta = timedelta(minutes=5)) -> tuple[str, int]:
    """Return the mode and the battery's power, W, that the ST reports after a while."""
    record = simulator.truth(ST, (NOW + after).timestamp())
    assert record is not None
    return (
        record["Inverters"][0]["PowerMode"]["InverterMode"],
        round(record["BatteryPowerNegativeIsChargingkW"] * 1000),
    )


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_schedule_is_listed_some_seconds_after_its_creation_and_so_is_its_end(
    customer: Customer, clock: time_machine.Traveller, slash: str
) -> None:
    new = schedule(StartTimeUtc="2026-03-02T16:00:00+10:00", Duration="1.02:00:00")
    created = await customer.post(f"{NEW_SCHEDULE}{slash}", new)
    number = created.data["ScheduleId"]
    listing = f"{SCHEDULES}/{ST}"
    assert (await customer.get(listing)).data == EMPTY
    clock.shift(5)
    ids = {"ScheduleId": number, "SiteId": ST_SITE}
    item = new | ids | {"StartTimeUtc": "2026-03-02T06:00:00Z"}
    assert (await customer.get(listing)).data == {"DailySchedules": [], "Schedules": [item]}
    assert (await customer.delete(f"{listing}/{number}")).data is True
    assert (await customer.delete(f"{listing}/{number}")).status == 404
    assert await listed(customer) == [number]
    clock.shift(5)
    assert (await customer.get(listing)).data == EMPTY


async def test_past_schedules_are_listed_only_on_request(
    customer: Customer, clock: time_machine.Traveller
) -> None:
    await made(customer, Duration="00:30:00")
    clock.shift(timedelta(minutes=31))
    listing = f"{SCHEDULES}/{ST}"
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
        {"SerialNumber": SI},
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused(
    customer: Customer, wrong: dict[str, object]
) -> None:
    assert (await customer.post(NEW_SCHEDULE, schedule(**wrong))).status == 400
    assert (await customer.post(NEW_SCHEDULE, schedule())).status == 200


async def test_the_inverter_follows_until_the_end_and_the_past_stays(
    simulator: Simulator, customer: Customer
) -> None:
    night = timedelta(hours=15)  # three o'clock, when the battery is not full
    before = mode(simulator, night - timedelta(minutes=1))
    await made(customer, StartTimeUtc=iso((NOW + night).timestamp()))
    assert mode(simulator, night + timedelta(minutes=5)) == ("ChargeBattery", -3000)
    assert mode(simulator, night - timedelta(minutes=1)) == before
    assert mode(simulator, night + timedelta(minutes=125))[0] == "Auto"


@pytest.mark.parametrize(
    ("wanted", "hours", "expected"),
    [("ChargeBattery", 15, -10_000), ("DischargeBattery", 0, 8000)],
)
async def test_a_battery_does_no_more_than_it_can(
    simulator: Simulator, customer: Customer, wanted: str, hours: int, expected: int
) -> None:
    start = NOW + timedelta(hours=hours)
    order = {"InverterMode": wanted, "ArgumentInWatts": 50_000}
    await made(customer, StartTimeUtc=iso(start.timestamp()), DesiredMode=order)
    _, power = mode(simulator, timedelta(hours=hours, minutes=5))
    assert 0 < power / expected <= 1


@pytest.mark.parametrize(
    ("wanted", "hours", "field"), [("ImportPower", 15, "Imported"), ("ExportPower", 8, "Exported")]
)
async def test_power_is_imported_and_exported_as_ordered(
    simulator: Simulator, customer: Customer, wanted: str, hours: int, field: str
) -> None:
    start = NOW + timedelta(hours=hours)
    order = {"InverterMode": wanted, "ArgumentInWatts": 1500}
    await made(customer, StartTimeUtc=iso(start.timestamp()), DesiredMode=order)
    record = simulator.truth(ST, (start + timedelta(minutes=5)).timestamp())
    assert record is not None
    flows = [phase[f"Active{field}PowerInstantaneouskW"] for phase in record["Phases"]]
    assert sum(flows) == pytest.approx(1.5)


async def test_conserve_keeps_what_is_in_the_battery(
    simulator: Simulator, customer: Customer
) -> None:
    night = timedelta(hours=8)  # eight in the evening
    assert mode(simulator, night)[1] > 0
    await made(customer, Duration="12:00:00", DesiredMode={"InverterMode": "Conserve"})
    assert mode(simulator, night) == ("Conserve", 0)


async def test_a_deleted_schedule_ends_at_once(simulator: Simulator, customer: Customer) -> None:
    number = await made(customer)
    await customer.delete(f"{SCHEDULES}/{ST}/{number}")
    assert mode(simulator)[0] == "Auto"


@pytest.mark.parametrize(
    ("rule", "wins"), [("last wins", "DischargeBattery"), ("first wins", "ChargeBattery")]
)
async def test_which_of_two_schedules_counts_can_be_chosen(
    simulator: Simulator, customer: Customer, rule: Overlap, wins: str
) -> None:
    simulator.world.overlap = rule
    await made(customer)
    other = {"InverterMode": "DischargeBattery", "ArgumentInWatts": 1000}
    await made(customer, DesiredMode=other)
    assert mode(simulator)[0] == wins


async def test_a_second_schedule_at_the_same_time_can_be_refused(
    simulator: Simulator, customer: Customer
) -> None:
    simulator.world.overlap = "refused"
    await made(customer)
    assert (await customer.post(NEW_SCHEDULE, schedule())).status == 400
    later = schedule(StartTimeUtc=iso(NOW.timestamp() + 7200))
    assert (await customer.post(NEW_SCHEDULE, later)).status == 200


@pytest.mark.parametrize(
    ("fault", "is_made"),
    [
        (Fault(kind=Kind.STATUS, status=502, path="/Create/"), False),
        (Fault(kind=Kind.STATUS, status=502, path="/Create/", how="after"), True),
        (Fault(kind=Kind.STATUS, status=400, path="/Create/"), False),
        (Fault(kind=Kind.DROP, path="/Create/"), False),
        (Fault(kind=Kind.DROP, path="/Create/", how="middle"), True),
        (Fault(kind=Kind.SLOW, path="/Create/", seconds=0.01), True),
    ],
)
async def test_a_write_may_fail_before_and_after_it_was_done(
    simulator: Simulator, customer: Customer, fault: Fault, *, is_made: bool
) -> None:
    simulator.faults.add(fault)
    with suppress(aiohttp.ClientError):
        await customer.post(NEW_SCHEDULE, schedule())
    assert len(simulator.schedules.active(ST, NOW.timestamp())) == is_made


async def test_a_fault_may_strike_only_what_creates_or_what_deletes(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    for method in ("DELETE", "POST"):
        simulator.faults.add(
            Fault(kind=Kind.STATUS, status=502, path=ENVELOPES, method=method, how="after", times=1)
        )
    assert (await customer.post(f"{ENVELOPES}/Create/By/Site", envelope())).status == 502
    clock.shift(5)
    listing = f"{ENVELOPES}/By/Site/{ST_SITE}"
    assert len((await customer.get(listing)).data) == 1
    assert (await customer.delete(f"{ENVELOPES}/By/EventId/evening")).status == 502
    clock.shift(5)
    assert (await customer.get(listing)).data == []


async def test_what_somebody_else_has_made_is_listed_too(
    simulator: Simulator, customer: Customer, clock: time_machine.Traveller
) -> None:
    now = NOW.timestamp()
    other = simulator.schedules.add(ST, "Conserve", 0, start=now, minutes=60, now=now)
    simulator.schedules.daily[ST] = [{"StartTime": "02:00:00"}]
    clock.shift(5)
    assert await listed(customer) == [other]
    assert len((await customer.get(f"{SCHEDULES}/{ST}")).data["DailySchedules"]) == 1


async def test_an_envelope_lives_from_creation_to_deletion(
    customer: Customer, clock: time_machine.Traveller
) -> None:
    create = f"{ENVELOPES}/Create/By/Site"
    assert (await customer.post(create, envelope(EndAtUtc="x"))).status == 400
    created = await customer.post(create, envelope())
    expected = {"SiteId": ST_SITE, "Nmi": None, "EventId": "evening", "ErrorMessage": None}
    assert created.data == expected
    listing = f"{ENVELOPES}/By/Site/{ST_SITE}"
    assert (await customer.get(listing)).body == {"TotalCount": 0, "Data": []}
    clock.shift(5)
    item = (await customer.get(listing)).data[0]
    assert (item["MaxExportPowerW"], item["MaxImportPowerW"]) == (0, None)
    assert (item["EndAtUtc"], item["Status"]) == ("2026-03-02T04:00:00Z", "ReportStarted")
    clock.shift(timedelta(hours=3))
    await customer.sign_in()
    assert (await customer.get(listing)).data == []
    past = (await customer.get(listing, pastHours="2")).data
    assert [one["Status"] for one in past] == ["ReportFinished"]
    (same,) = (await customer.get(f"{ENVELOPES}/By/EventId/evening", pastHours="2")).data
    assert same["SiteId"] == ST_SITE
    assert (await customer.delete(f"{ENVELOPES}/By/EventId/evening")).data is True
    assert (await customer.delete(f"{ENVELOPES}/By/EventId/evening")).status == 404
    clock.shift(5)
    assert (await customer.get(listing, pastHours="2")).data == []


async def exporting(customer: Customer) -> None:
    """Let the ST export 2 kW in the evening."""
    order = {"InverterMode": "ExportPower", "ArgumentInWatts": 2000}
    await made(customer, StartTimeUtc="2026-03-02T10:00:00Z", DesiredMode=order)


def exported(simulator: Simulator) -> float:
    """Return what the ST exports then, kW."""
    record = simulator.truth(ST, (NOW + timedelta(hours=8, minutes=5)).timestamp())
    assert record is not None
    flows = (phase["ActiveExportedPowerInstantaneouskW"] for phase in record["Phases"])
    return round(float(sum(flows)), 3)


def cap(event: str, watts: int) -> dict[str, object]:
    return envelope(EventId=event, MaxExportPowerW=watts, EndAtUtc="2026-03-02T14:00:00Z")


async def test_an_envelope_limits_the_export(simulator: Simulator, customer: Customer) -> None:
    await exporting(customer)
    assert exported(simulator) == 2.0
    await customer.post(f"{ENVELOPES}/Create/By/Site", cap("evening", 500))
    assert exported(simulator) == 0.5
    await customer.delete(f"{ENVELOPES}/By/EventId/evening")
    assert exported(simulator) == 2.0


@pytest.mark.parametrize(
    ("rule", "counts"),
    [("lowest wins", 0.5), ("first wins", 1.0), ("last wins", 1.5), ("refused", 1.0)],
)
async def test_which_of_several_envelopes_counts_can_be_chosen(
    simulator: Simulator, customer: Customer, rule: LimitOverlap, counts: float
) -> None:
    simulator.world.limit_overlap = rule
    await exporting(customer)
    answers = [
        await customer.post(f"{ENVELOPES}/Create/By/Site", cap(f"{watts}", watts))
        for watts in (1000, 500, 1500)
    ]
    assert exported(simulator) == counts
    refused = [one.data["ErrorMessage"] is not None for one in answers]
    assert refused == [False, rule == "refused", rule == "refused"]
    await customer.delete(f"{ENVELOPES}/By/EventId/1000")
    assert (await customer.post(f"{ENVELOPES}/Create/By/Site", cap("x", 0))).status == 200
