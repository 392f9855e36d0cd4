"""That a year of a real Core is what an inverter did in it, and is asked for sparingly."""

import csv
import io
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
import pytest
import pytest_asyncio

import examples
from core.connections import websocket_through
from fake_clock import FakeClock
from house import until
from redback.backfill import Coverage
from redback.core import Energy as Preferences
from redback.core import Row, Series, Statistics, WebSocket
from redback.core.home_assistant import Config
from redback.inverters.inverter import Inverter
from redback.panel import Context, spans
from redback.panel.downloads import written
from redback.panel.minutes import FILE, Minutes
from redback.panel.period import Energy, energy, table
from redback.panel.spans import Length, Than, span
from redback.panel.wanted import Wanted
from redback.publishing.entity_ids import entity_ids
from redback.sensors.counters import COUNTERS
from redback.sensors.details import NO_DETAILS
from redback.sensors.entities import Entities
from redback.sensors.reading import Reading
from simulator.records import JOULES_PER_KWH
from simulator.world import build_world, days_ago
from sqlite_file import opened
from standin.client import Client, statistics_question
from standin.real_core import RealCore, find_hass, temporary_folder
from standin.supervisor import Supervisor

pytestmark = [pytest.mark.core, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

_ZONE = "Australia/Adelaide"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_DAYS = 400
# What the simulator counts, by counter.
_FIELDS = {
    "solar": "pv",
    "load": "load",
    "import": "imported",
    "export": "exported",
    "charge": "charged",
    "discharge": "discharged",
}
_CLOSE_KWH = 0.01


class _Year:
    """A Core with all hours of an inverter, and what the inverter did in them."""

    def __init__(self, core: RealCore, websocket: WebSocket, folder: Path) -> None:
        world = build_world(("st",), commissioned=days_ago(_DAYS))
        (one,) = world.inverters
        self.serial = one.serial
        self._plant = one.plant
        self.core = core
        self.websocket = websocket
        self.statistics = Statistics(websocket)
        self.now = datetime.now(UTC).replace(minute=1, second=0, microsecond=0)
        self.begin = self.now.replace(minute=0) - (_DAYS - 2) * _DAY
        self.inverter = Inverter(self.serial, "House", Entities(detailed=False))
        reading = Reading(
            self.serial, self.now, examples.dynamic("three_phase_battery"), NO_DETAILS
        )
        self.inverter.entities.show(reading)
        self.ids = {row.day: entity_ids(self.inverter)[row.key] for row in COUNTERS}
        clock = FakeClock(self.now)
        self.coverage = Coverage(folder / "history.db")
        self.coverage.note(self.serial, self.begin)
        self.coverage.note(self.serial, self.now)
        self.minutes = Minutes(folder / FILE, clock)
        self.context = SimpleNamespace(
            clock=clock,
            coverage=self.coverage,
            minutes=self.minutes,
            home_assistant=SimpleNamespace(
                statistics=self.statistics, energy=Preferences(websocket), config=self._config
            ),
            registry=SimpleNamespace(
                known={self.serial: self.inverter}.get, reading=lambda _: None
            ),
            publisher=SimpleNamespace(
                ownership=SimpleNamespace(
                    ids=entity_ids, is_taken=lambda _: False, why_not=lambda _: None
                )
            ),
            # The history of the add-on begins later than that of Core.
            backfill=SimpleNamespace(since=lambda _: self.now),
        )

    async def _config(self) -> Config:
        return await self.websocket.ask({"type": "get_config"}, Config)

    def counted(self, name: str, at: datetime) -> float:
        """Return what was counted until a moment, kWh."""
        moment = self._plant.at(int(min(at, self.now.replace(minute=0)).timestamp()))
        assert moment is not None
        joules: int = getattr(moment.energy, _FIELDS[name])
        return joules / JOULES_PER_KWH

    async def fill(self) -> None:
        """Put all hours that are over into Core: the first by an import, others by its database.

        An import of all takes minutes.
        """
        count = (self.now - self.begin) // _HOUR
        starts = [self.begin + number * _HOUR for number in range(count)]
        for name, entity_id in self.ids.items():
            base = self.counted(name, self.begin)
            states = [self.counted(name, start + _HOUR) for start in starts]
            first = Row(self.begin, state=states[0], sum=states[0] - base)
            series = Series(entity_id, "kWh", is_counter=True)
            assert await self.statistics.put({series: [first]}) == {}

            async def is_there(entity_id: str = entity_id) -> bool:
                found = await self.statistics.rows([entity_id], self.begin, self.begin + _HOUR)
                return bool(found[entity_id])

            await until(is_there, 30)
            with opened(self.core.folder / "home-assistant_v2.db") as database:
                query = "SELECT id FROM statistics_meta WHERE statistic_id = ?"
                ((number,),) = database.execute(query, (entity_id,))
                database.executemany(
                    "INSERT INTO statistics (metadata_id, created_ts, start_ts, state, sum)"
                    " VALUES (?, ?, ?, ?, ?)",
                    [
                        (number, start.timestamp(), start.timestamp(), state, state - base)
                        for start, state in zip(starts[1:], states[1:], strict=True)
                    ],
                )

    async def energy(self, length: Length, day: date) -> Energy:
        """Return what the page gets."""
        wanted = Wanted(length, day, Than.BEFORE, (self.serial,))
        return await energy(cast("Context", self.context), wanted)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def year(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[_Year]:
    with temporary_folder() as folder:
        async with (
            RealCore(find_hass(), folder, zone=_ZONE) as core,
            Supervisor(core.address) as supervisor,
            websocket_through(supervisor) as watched,
        ):
            made = _Year(core, watched.websocket, tmp_path_factory.mktemp("year"))
            await made.fill()
            yield made
            made.coverage.close()
            made.minutes.close()


@pytest.fixture(autouse=True)
def adelaide(place: Callable[[str], None]) -> None:
    place(_ZONE)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(_ZONE)).astimezone(UTC)


def _begin_of(day: date) -> datetime:
    """Return when the first hour of a day begins, which may be half past midnight."""
    midnight = _midnight(day)
    return midnight if not midnight.minute else midnight + _HOUR / 2


@pytest.mark.parametrize("length", [Length.DAY, Length.WEEK, Length.MONTH, Length.YEAR])
async def test_every_figure_of_every_span_is_what_the_inverter_did(
    year: _Year, length: Length
) -> None:
    day = year.now.astimezone(ZoneInfo(_ZONE)).date()
    for _ in range(4):
        one = span(length, day)
        found = await year.energy(length, day)
        for name in _FIELDS:
            since, after = (max(_begin_of(each), year.begin) for each in (one.first, one.after))
            kwh = year.counted(name, after) - year.counted(name, since)
            assert getattr(found.figures, f"{name}_kwh") == pytest.approx(kwh, abs=_CLOSE_KWH)
        assert found.figures.missing == 0
        day = one.first - _DAY
        if _midnight(day) < year.begin:
            break


async def test_all_of_the_time_and_its_files_are_what_the_inverter_did(year: _Year) -> None:
    context, day = cast("Context", year.context), year.now.astimezone(ZoneInfo(_ZONE)).date()
    found = await year.energy(Length.ALL, day)
    assert found.first == year.begin.astimezone(ZoneInfo(_ZONE)).date()
    files = [(Length.ALL, Length.MONTH), (Length.ALL, Length.DAY), (Length.YEAR, None)]
    for length, by in files:
        asked = Wanted(length, day, Than.BEFORE, (year.serial,))
        text = written(await table(context, asked, by), by, year.now)
        rows = [*csv.DictReader(io.StringIO(text, newline=""))]
        shown = (await year.energy(length, day)).figures
        begin = year.begin if length is Length.ALL else _begin_of(date(day.year, 1, 1))
        for name, column in (("solar", "solar"), ("load", "house"), ("import", "from_grid")):
            kwh = year.counted(name, year.now) - year.counted(name, max(begin, year.begin))
            in_file = sum(float(row[f"{column}_kwh"] or 0) for row in rows)
            assert getattr(shown, f"{name}_kwh") == pytest.approx(kwh, abs=_CLOSE_KWH)
            assert in_file == pytest.approx(kwh, abs=_CLOSE_KWH)


def _changes(year: _Year, zone: ZoneInfo) -> list[date]:
    """Return the days of the year on which clocks are set."""
    days = [(year.begin + number * _DAY).astimezone(zone).date() for number in range(2, _DAYS - 2)]

    def offset(day: date) -> timedelta | None:
        return datetime(day.year, day.month, day.day, tzinfo=zone).utcoffset()

    return [day for day in days if offset(day) != offset(day + _DAY)]


@pytest.mark.parametrize("zone", [_ZONE, "Australia/Sydney", "Australia/Lord_Howe"])
async def test_days_on_which_clocks_are_set_are_what_the_inverter_did(
    year: _Year, place: Callable[[str], None], zone: str
) -> None:
    place(zone)
    await year.core.command({"type": "config/core/update", "time_zone": zone})
    try:
        changes = _changes(year, ZoneInfo(zone))
        assert {day.month for day in changes} == {4, 10}
        for change in changes:
            for length in (Length.DAY, Length.WEEK, Length.MONTH):
                found = await year.energy(length, change)
                one = span(length, change)
                hours = [*spans.hours(one.start, one.end)]
                if length is Length.DAY:
                    assert found.bars.start == hours
                    assert len(hours) == (23 if change.month == 10 else 25)
                for name in _FIELDS:
                    kwh = year.counted(name, hours[-1] + _HOUR) - year.counted(name, hours[0])
                    shown = getattr(found.figures, f"{name}_kwh")
                    assert shown == pytest.approx(kwh, abs=_CLOSE_KWH)
                assert found.figures.missing == 0
    finally:
        await year.core.command({"type": "config/core/update", "time_zone": _ZONE})


async def test_each_day_is_that_of_cores_energy_page(year: _Year) -> None:
    """Its page asks for the changes of days, as here."""
    one = span(Length.MONTH, (year.now - 40 * _DAY).date())
    found = await year.energy(Length.MONTH, one.first)
    async with Client.of_core(year.core.url, year.core.token) as client:
        answer: dict[str, Any] = await client.command(
            statistics_question(
                year.ids.values(),
                _midnight(one.first),
                _midnight(one.after) - timedelta(milliseconds=1),
                period="day",
                types=["change"],
            )
        )
    for name, entity_id in year.ids.items():
        days = [row["change"] for row in answer[entity_id]]
        assert found.bars.kwh[name] == pytest.approx(days, abs=0.0006)


@pytest.mark.parametrize(("length", "most"), [(Length.YEAR, 4), (Length.ALL, 12)])
async def test_a_year_is_a_few_questions_and_a_small_answer(
    year: _Year,
    monkeypatch: pytest.MonkeyPatch,
    measured: Callable[[str], None],
    length: Length,
    most: int,
) -> None:
    asked: list[object] = []
    bare = 0.0
    ask = year.websocket.ask

    async def counting(command: Mapping[str, object], kind: type[Any]) -> Any:  # noqa: ANN401 - as there
        nonlocal bare
        asked.append(command["type"])
        began = time.monotonic()
        answer = await ask(command, kind)
        bare = max(bare, time.monotonic() - began)
        return answer

    monkeypatch.setattr(year.websocket, "ask", counting)
    began = time.monotonic()
    found = await year.energy(length, (year.now - _DAYS / 4 * _DAY).date())
    took = time.monotonic() - began
    measured(f"{length}: {took:.2f} s, the longest question of Core's {bare:.2f} s")
    assert len(msgspec.json.encode(found)) < 8000
    assert 1 <= asked.count("recorder/statistics_during_period") <= most


async def test_money_is_that_of_the_energy_dashboard(year: _Year) -> None:
    """As the dashboard has it: of a statistic of people's own, and of a price."""
    bought, sold = year.ids["import"], year.ids["export"]
    paid = f"{sold}_paid"
    begin = year.now.replace(minute=0) - 30 * _DAY
    states = [0.1 * number for number in range(1, 30 * 24 + 1)]
    rows = [Row(begin + n * _HOUR, state=one, sum=one) for n, one in enumerate(states)]
    assert await year.statistics.put({Series(paid, "AUD", is_counter=True): rows}) == {}
    grid = {"stat_energy_from": bought, "stat_energy_to": sold, "stat_compensation": paid}
    priced = {"number_energy_price": 0.3, "entity_energy_price": None, "stat_cost": None}
    export = {"entity_energy_price_export": None, "number_energy_price_export": None}
    flows: dict[str, Any] = {
        "flow_from": [{"stat_energy_from": bought, **priced}],
        "flow_to": [grid | {"entity_energy_price": None, "number_energy_price": None}],
    }
    if year.core.release >= (2026, 3):
        source: dict[str, Any] = {**grid, **priced, **export}
    else:
        del flows["flow_to"][0]["stat_energy_from"]
        source = flows
    wanted = {"type": "grid", "cost_adjustment_day": 0, **source}
    # Without a state of the meter Core makes no sensor of its price.
    async with Client.of_core(year.core.url, year.core.token) as client:
        attributes = {"unit_of_measurement": "kWh", "state_class": "total_increasing"}
        await client.push(bought, "5", attributes)
    await year.websocket.command({"type": "energy/save_prefs", "energy_sources": [wanted]})
    day = (year.now - 10 * _DAY).astimezone(ZoneInfo(_ZONE)).date()

    async def is_there() -> bool:
        found = await year.energy(Length.DAY, day)
        return found.money is not None and len(found.money.amounts) == 3

    await until(is_there, 30)
    money = (await year.energy(Length.DAY, day)).money
    assert money is not None
    assert money.currency == "AUD"
    # Of that day nothing was worked out from the price.
    amounts = {"cost": None, "compensation": pytest.approx(2.4), "net": None}
    assert money.amounts == amounts
