"""That rows of statistics come to Core and back as they are, in old and new versions of it.

Every test runs against two stand-ins and a real Core; that against the real one needs its
executable.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from core.connections import Watched, websocket_through
from house import until
from redback.core import CoreAwayError, CoreRefusedError, Row, Series, Statistics, Step
from redback.core.metadata import UNIT_CLASSES
from sqlite_file import opened
from standin.client import Client
from standin.core import Core
from standin.real_core import AnyCore
from standin.statistics import unit_classes
from standin.supervisor import Supervisor
from standin.versions import OPTIONAL_METADATA

pytestmark = pytest.mark.asyncio(loop_scope="module")

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)
# By unit: the attributes of the sensors that have it.
DEVICE_CLASSES = {
    "Wh": "energy_storage",
    "kWh": "energy_storage",
    "MWh": "energy_storage",
    "kW": "power",
    "W": "power",
    "VA": "apparent_power",
    "V": "voltage",
    "A": "current",
    "Hz": "frequency",
    "°C": "temperature",
    "%": "battery",
    None: "power_factor",
}


async def put(statistics: Statistics, series: Series, rows: Sequence[Row]) -> None:
    """Put rows that Core takes, or raise why it does not."""
    for refused in (await statistics.put({series: rows})).values():
        raise refused


@pytest_asyncio.fixture(loop_scope="module")
async def client(any_core: AnyCore) -> AsyncIterator[Client]:
    async with Client.of_core(any_core.url, any_core.token) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def supervisor(any_core: AnyCore) -> AsyncIterator[Supervisor]:
    async with Supervisor(any_core.address) as supervisor:
        yield supervisor


@pytest_asyncio.fixture(loop_scope="module")
async def watched(supervisor: Supervisor) -> AsyncIterator[Watched]:
    async with websocket_through(supervisor) as watched:
        yield watched


@pytest.fixture
def statistics(watched: Watched) -> Statistics:
    return Statistics(watched.websocket)


def energy(entity_id: str, unit: str = "kWh") -> Series:
    return Series(entity_id, unit, is_counter=True)


def counted(*readings: float, start: datetime = START) -> list[Row]:
    """Make the hours of a counter whose sum began 10 before its first reading."""
    return [
        Row(start + hour * HOUR, state=reading, sum=reading - readings[0] - 10)
        for hour, reading in enumerate(readings)
    ]


async def read_until(
    read: Callable[[], Awaitable[Mapping[str, list[Row]]]], expected: Mapping[str, list[Row]]
) -> None:
    """Read until it is as expected: what was answered is queued, and not yet written."""
    found: Mapping[str, list[Row]] = {}
    try:
        async with asyncio.timeout(15):
            while (found := await read()) != expected:
                await asyncio.sleep(0.02)
    except TimeoutError:
        assert found == expected


async def stored(statistics: Statistics, expected: Mapping[str, list[Row]]) -> None:
    """Wait until exactly these rows are there."""
    await read_until(lambda: statistics.rows(expected, START - YEAR, START + YEAR), expected)


async def push(client: Client, entity_id: str, value: float, unit: str | None, **more: str) -> None:
    attributes = {"state_class": "measurement", **more}
    if unit is not None:
        attributes["unit_of_measurement"] = unit
    answer = await client.push(entity_id, value, attributes)
    assert answer.status in (200, 201)


async def described(client: Client, *entity_ids: str) -> dict[str, dict[str, Any]]:
    """Return what Core keeps of these statistics, by id."""
    question = {"type": "recorder/get_statistics_metadata", "statistic_ids": list(entity_ids)}
    return {each["statistic_id"]: each for each in await client.command(question)}


def complaints(any_core: AnyCore) -> list[str]:
    """Return what Core has logged about imports."""
    if isinstance(any_core, Core):
        return list(any_core.statistics.warnings)
    lines = any_core.log.read_text().splitlines()
    words = ("import_statistics", "deprecated", "statistics")
    return [
        line
        for line in lines
        if (" WARNING " in line or " ERROR " in line) and any(word in line for word in words)
    ]


async def test_a_counter_comes_back_as_it_was_put_with_negative_sums(
    statistics: Statistics, client: Client
) -> None:
    attributes = {"state_class": "total_increasing", "device_class": "energy"}
    await push(client, "sensor.counter", 1012.5, "kWh", **attributes)
    rows = counted(1000.123, 1002.0, 1012.5)
    await put(statistics, energy("sensor.counter"), rows)
    await stored(statistics, {"sensor.counter": rows})
    assert [row.sum for row in rows if row.sum is not None and row.sum < 0]


async def test_a_measurement_comes_back_as_it_was_put(
    statistics: Statistics, client: Client
) -> None:
    await push(client, "sensor.power", 1.5, "kW", device_class="power")
    rows = [Row(START + n * HOUR, mean=n + 0.123, min=-float(n), max=n + 2.5) for n in range(3)]
    await put(statistics, Series("sensor.power", "kW", is_counter=False), rows)
    await stored(statistics, {"sensor.power": rows})


async def test_a_row_of_the_same_hour_is_replaced_and_the_others_stay(
    statistics: Statistics,
) -> None:
    rows = counted(1, 2, 3)
    await put(statistics, energy("sensor.replaced"), rows)
    better = Row(rows[1].start, state=2.5, sum=-8.5)
    await put(statistics, energy("sensor.replaced"), [better])
    await stored(statistics, {"sensor.replaced": [rows[0], better, rows[2]]})


async def test_every_entity_that_is_asked_for_has_its_list(statistics: Statistics) -> None:
    rows = counted(1, 2)
    await put(statistics, energy("sensor.present"), rows)
    await stored(statistics, {"sensor.never": [], "sensor.present": rows})
    assert await statistics.rows([], START, START + YEAR) == {}


async def test_rows_begin_at_the_first_time_and_end_before_the_last(statistics: Statistics) -> None:
    rows = counted(1, 2, 3, 4)
    await put(statistics, energy("sensor.bounds"), rows)
    await stored(statistics, {"sensor.bounds": rows})
    found = await statistics.rows(["sensor.bounds"], START + HOUR, START + 3 * HOUR)
    assert found["sensor.bounds"] == rows[1:3]


async def test_what_is_too_long_for_one_message_goes_in_several(
    statistics: Statistics, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redback.core.statistics.ROWS_TO_PUT", 5)
    monkeypatch.setattr("redback.core.statistics._ROWS_TO_READ", 10)
    heard = hear(watched, monkeypatch)
    one, two = counted(*range(12)), counted(*range(7, 24))
    await put(statistics, energy("sensor.one"), one)
    await put(statistics, energy("sensor.two"), two)
    imports = [c for c in heard if c["type"] == "recorder/import_statistics"]
    assert [len(c["stats"]) for c in imports] == [5, 5, 2, 5, 5, 5, 2]
    await read_until(
        lambda: statistics.rows(["sensor.one", "sensor.two"], START, START + 24 * HOUR),
        {"sensor.one": one, "sensor.two": two},
    )
    heard.clear()
    await statistics.rows(["sensor.one", "sensor.two"], START, START + 24 * HOUR)
    reads = [c for c in heard if c["type"] == "recorder/statistics_during_period"]
    assert len(reads) == 5  # of five hours each, for two entities


async def test_what_was_counted_in_hours_and_days_begins_with_the_row_before(
    statistics: Statistics,
) -> None:
    # Core lives in Brisbane, whose days begin at 14:00 UTC.
    midnight = datetime(2026, 1, 4, 14, tzinfo=UTC)
    sums = {-2: 5.0, -1: 6.0, 0: 7.5, 1: 7.5, 23: 9.0, 24: 10.0, 72: 14.0}
    rows = [Row(midnight + hour * HOUR, state=100 + sum_, sum=sum_) for hour, sum_ in sums.items()]
    await put(statistics, energy("sensor.grown"), rows)
    await stored(statistics, {"sensor.grown": rows})

    async def growth(by: Step, first: int, last: int) -> list[tuple[int, float, float]]:
        ids, since, until = ["sensor.grown"], midnight + first * HOUR, midnight + last * HOUR
        found = await statistics.growth(ids, since, until, by=by)
        return [((one.start - midnight) // HOUR, one.amount, one.before) for one in found[ids[0]]]

    # Nothing is known of hours 2 to 22, nor of two whole days.
    assert await growth("hour", 0, 24) == [(0, 1.5, 6.0), (1, 0.0, 7.5), (23, 1.5, 7.5)]
    assert await growth("day", 0, 96) == [(0, 3.0, 6.0), (24, 1.0, 9.0), (72, 4.0, 10.0)]
    # The very first sum is all that Core knows of what came before.
    assert await growth("day", -48, 24) == [(-24, 6.0, 0.0), (0, 3.0, 6.0)]
    assert await growth("hour", 2, 20) == []


async def test_what_was_counted_comes_in_kwh_and_of_each_entity(
    statistics: Statistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row(START + n * 8 * HOUR, state=n / 1000, sum=n / 1000) for n in range(12)]
    await put(statistics, energy("sensor.in_mwh", "MWh"), rows)
    await stored(statistics, {"sensor.in_mwh": rows})
    monkeypatch.setattr("redback.core.statistics._ROWS_TO_READ", 3)
    ids = ["sensor.in_mwh", "sensor.never"]
    # From 00:00 in Brisbane, one day in each message.
    first, day = START - 10 * HOUR, 24 * HOUR
    found = await statistics.growth(ids, first, first + 3 * day, by="day")
    grown = [(one.start, round(one.amount, 6), round(one.before, 6)) for one in found[ids[0]]]
    assert grown == [(first, 1.0, 0.0), (first + day, 3.0, 1.0), (first + 2 * day, 3.0, 4.0)]
    assert found["sensor.never"] == []
    assert await statistics.growth([], first, first + HOUR, by="day") == {}


def hear(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Keep all commands from now on."""
    heard: list[dict[str, Any]] = []
    send = watched.websocket.command

    async def command(message: Mapping[str, object]) -> object:
        heard.append(dict(message))
        return await send(message)

    monkeypatch.setattr(watched.websocket, "command", command)
    return heard


async def test_the_longest_message_is_well_within_the_limits(
    statistics: Statistics, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = hear(watched, monkeypatch)
    # The longest numbers that there are, as far as Core's database is concerned.
    longest = -1.2345678901234567e-101
    rows = [
        Row(START + n * HOUR, state=longest, sum=longest, mean=longest, min=longest, max=longest)
        for n in range(2001)
    ]
    await put(statistics, energy("sensor.long"), rows)
    sizes = [len(msgspec.json.encode(message)) for message in heard]
    assert len(sizes) == 3  # the metadata, and the rows in two parts
    assert max(sizes) < 1024 * 1024


async def test_nothing_is_converted_whatever_unit_the_state_has(
    statistics: Statistics, client: Client
) -> None:
    rows = counted(2.5, 2.75)
    watts = [Row(START, mean=1500, min=1000, max=2000)]
    kilowatts = [Row(START, mean=1.5, min=1, max=2)]
    await put(statistics, energy("sensor.large", "MWh"), rows)
    await put(statistics, Series("sensor.watts", "W", is_counter=False), watts)
    await put(statistics, Series("sensor.kilowatts", "kW", is_counter=False), kilowatts)
    await push(client, "sensor.large", 2750, "kWh", state_class="total_increasing")
    await push(client, "sensor.watts", 1.5, "kW")
    await push(client, "sensor.kilowatts", 1500, "W")
    await stored(
        statistics,
        {"sensor.large": rows, "sensor.watts": watts, "sensor.kilowatts": kilowatts},
    )


async def test_nothing_is_converted_where_somebody_has_imported_without_a_class(
    any_core: AnyCore, statistics: Statistics, client: Client
) -> None:
    words: dict[str, object] = {"unit_class": None, "mean_type": 0}
    if not words.keys() <= OPTIONAL_METADATA.at(any_core.release):
        words = {"has_mean": False}  # an older Core finds the class by itself
    metadata = {
        "source": "recorder",
        "statistic_id": "sensor.classless",
        "name": None,
        "unit_of_measurement": "MWh",
        "has_sum": True,
        **words,
    }
    stats = [{"start": START.isoformat(), "state": 2.5, "sum": 1.5}]
    await client.command(
        {"type": "recorder/import_statistics", "metadata": metadata, "stats": stats}
    )
    await push(client, "sensor.classless", 2500, "kWh", state_class="total_increasing")
    await stored(statistics, {"sensor.classless": [Row(START, state=2.5, sum=1.5)]})


async def test_a_unit_that_is_in_no_table_gets_the_class_that_core_gives_it_and_core_grumbles(
    any_core: AnyCore, statistics: Statistics, client: Client
) -> None:
    rows, said = counted(1, 2), complaints(any_core)
    await put(statistics, energy("sensor.joules", "MJ"), rows)
    await stored(statistics, {"sensor.joules": rows})
    assert (await described(client, "sensor.joules"))["sensor.joules"]["unit_class"] == "energy"
    new = complaints(any_core)[len(said) :]
    wants_class = "unit_class" in OPTIONAL_METADATA.at(any_core.release)
    assert ["unit_class" in line for line in new] == [True] * wants_class


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Series("sensor.labelled", "kWh", is_counter=True), "a counter in kWh"),
        (Series("sensor.labelled", "MWh", is_counter=False), "a measurement in MWh"),
    ],
)
async def test_rows_are_never_put_where_they_would_relabel_others(
    statistics: Statistics, client: Client, other: Series, words: str
) -> None:
    rows = counted(1, 2)
    await put(statistics, energy("sensor.labelled", "MWh"), rows)
    await stored(statistics, {"sensor.labelled": rows})
    before = await described(client, "sensor.labelled")
    with pytest.raises(CoreRefusedError) as raised:
        await put(statistics, other, [Row(START + 5 * HOUR, state=1, sum=1, mean=1)])
    assert raised.value.code == "other_metadata"
    assert f"sensor.labelled is a counter in MWh, and not {words}" in str(raised.value)
    fitting, unknown = energy("sensor.labelled", "MWh"), energy("sensor.unknown")
    misfits = await statistics.misfits([other, unknown])
    assert {each: str(misfit) for each, misfit in misfits.items()} == {
        "sensor.labelled": str(raised.value)
    }
    assert await statistics.misfits([fitting, unknown]) == {}
    assert await described(client, "sensor.labelled") == before
    await stored(statistics, {"sensor.labelled": rows})


@pytest.mark.parametrize("unit", DEVICE_CLASSES)
@pytest.mark.parametrize("is_counter", [False, True])
async def test_an_import_leaves_what_core_makes_of_a_pushed_sensor(
    any_core: AnyCore, statistics: Statistics, client: Client, unit: str | None, *, is_counter: bool
) -> None:
    entity = f"sensor.unit_{list(DEVICE_CLASSES).index(unit)}_{is_counter}".lower()
    state_class = "total_increasing" if is_counter else "measurement"
    device_class = DEVICE_CLASSES[unit].removesuffix("_storage" if is_counter else "")
    await push(client, entity, 1, unit, state_class=state_class, device_class=device_class)
    before, said = await described(client, entity), complaints(any_core)
    rows = counted(1, 2) if is_counter else [Row(START, mean=1, min=1, max=1)]
    await put(statistics, Series(entity, unit, is_counter=is_counter), rows)
    await stored(statistics, {entity: rows})
    assert before[entity]["statistics_unit_of_measurement"] == unit
    assert await described(client, entity) == before
    assert complaints(any_core) == said


async def test_what_core_knows_nothing_of_is_described_as_it_would_describe_it(
    any_core: AnyCore, statistics: Statistics, client: Client
) -> None:
    known = unit_classes(any_core.release)
    said = complaints(any_core)
    rows = [Row(START, mean=1, min=1, max=1)]
    for number, (unit, device_class) in enumerate(DEVICE_CLASSES.items()):
        stranger, sensor = f"sensor.stranger_{number}", f"sensor.pushed_{number}"
        await put(statistics, Series(stranger, unit, is_counter=False), rows)
        await stored(statistics, {stranger: rows})
        await push(client, sensor, 1, unit, device_class=device_class)
        found = await described(client, stranger, sensor)
        classes = {found[stranger].pop("unit_class"), found[sensor].pop("unit_class")}
        expected = UNIT_CLASSES[unit]
        assert classes == {expected if expected in known else None}
    assert DEVICE_CLASSES.keys() == UNIT_CLASSES.keys()
    assert complaints(any_core) == said


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (Row(START + HOUR / 2, state=1, sum=1), "home_assistant_error"),
        (Row(START, state=1, sum=math.nan), "invalid_format"),
    ],
)
async def test_a_row_that_cannot_be_is_refused(statistics: Statistics, row: Row, code: str) -> None:
    with pytest.raises(CoreRefusedError) as raised:
        await put(statistics, energy("sensor.impossible"), [row])
    assert raised.value.code == code


async def test_putting_goes_on_after_a_break_where_it_is_done_again(
    statistics: Statistics,
    watched: Watched,
    supervisor: Supervisor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("redback.core.statistics.ROWS_TO_PUT", 1)
    rows = counted(*range(200))
    putting = asyncio.create_task(put(statistics, energy("sensor.broken"), rows))
    heard = hear(watched, monkeypatch)
    await until(lambda: len(heard) > 5, every=0)
    await supervisor.close_websockets()
    with pytest.raises(CoreAwayError):
        await putting
    await until(lambda: watched.connected == 2)
    await put(statistics, energy("sensor.broken"), rows)
    await stored(statistics, {"sensor.broken": rows})


async def test_a_shift_moves_the_sums_from_its_hour_on_in_both_tables(
    any_core: AnyCore, watched: Watched, statistics: Statistics
) -> None:
    # Of today: Core throws old short-term rows away.
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 5 * HOUR
    hours = counted(1, 2, 3, 4, start=start)
    await put(statistics, energy("sensor.shifted"), hours)
    period = (start, start + 5 * HOUR)
    await read_until(
        lambda: statistics.rows(["sensor.shifted"], *period), {"sensor.shifted": hours}
    )
    fives = [
        Row(start + hour * HOUR + timedelta(minutes=minute), state=hour, sum=hour * 1.0)
        for hour in range(3)
        for minute in (0, 55)
    ]
    await write_short_term(any_core, watched, "sensor.shifted", fives)

    await statistics.shift("sensor.shifted", start + 2 * HOUR, 0.25, "kWh")
    await read_until(
        lambda: statistics.rows(["sensor.shifted"], *period),
        {"sensor.shifted": hours[:2] + list(moved(hours[2:], 0.25))},
    )
    await read_until(
        lambda: statistics.rows(["sensor.shifted"], *period, period="5minute"),
        {"sensor.shifted": fives[:4] + list(moved(fives[4:], 0.25))},
    )


def moved(rows: Iterable[Row], amount: float) -> Iterable[Row]:
    for row in rows:
        assert row.sum is not None
        yield Row(row.start, state=row.state, sum=row.sum + amount)


async def write_short_term(
    any_core: AnyCore, watched: Watched, entity_id: str, rows: Sequence[Row]
) -> None:
    """Write what only Core itself writes, every five minutes."""
    if isinstance(any_core, Core):
        written = [{"start": row.start, "state": row.state, "sum": row.sum} for row in rows]
        known = any_core.statistics.metadata[entity_id]
        any_core.statistics.write(known, written, short_term=True)
        return
    connected = watched.connected
    await any_core.stop()
    values = [(row.start.timestamp(), row.state, row.sum, entity_id) for row in rows]
    with opened(any_core.folder / "home-assistant_v2.db") as database:
        database.executemany(
            "INSERT INTO statistics_short_term (created_ts, start_ts, state, sum, metadata_id)"
            " SELECT 0, ?, ?, ?, id FROM statistics_meta WHERE statistic_id = ?",
            values,
        )
    await any_core.start()
    await until(lambda: watched.connected > connected and watched.websocket.version, 30)


async def test_a_shift_of_what_is_not_there_is_refused(statistics: Statistics) -> None:
    with pytest.raises(CoreRefusedError) as raised:
        await statistics.shift("sensor.nowhere", START, 1, "kWh")
    assert raised.value.code == "unknown_statistic_id"
