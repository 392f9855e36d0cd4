"""The model of Core's recorder: the same scripts leave the same rows in a real Core."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from recorder_model import ModelStatistics, Recorder
from recorder_model import Row as Stored
from recorder_model.recorder import HOUR
from redback.core import CoreAwayError, CoreRefusedError, Row, Series
from standin.real_core import find_hass

NOON = 1_750_000_000 // HOUR * HOUR
SOLAR = Series("sensor.solar", "kWh", is_counter=True)
LOAD = Series("sensor.load", "kWh", is_counter=True)
POWER = Series("sensor.power", "W", is_counter=False)
SENSORS = {series.entity_id: series for series in (SOLAR, LOAD, POWER)}
# So that something is purged within a script.
KEPT_DAYS = 1
# Among them are duplicate rows while missing ones are compiled, copies and purges.
SEEDS = (13, 20)
# What is left of a counter's value.
FALLS = (0.99, 0.95, 0.9001, 0.8999, 0.75, 1.02, 0.001, 1.5, 0.0)
DRIVER = Path(__file__).parent / "recorder_model" / "real_recorder.py"

Step = list[Any]
Rows = dict[str, dict[str, list[list[float | None]]]]


class Script:
    """Steps that both recorders can go through, drawn by chance."""

    def __init__(self, seed: int) -> None:
        self.steps: list[Step] = []
        self._random = Random(seed)
        self._now: float = NOON + self._random.randrange(HOUR)
        self.began = self._now
        self._values = {SOLAR.entity_id: 20_000.0, LOAD.entity_id: 300.0, POWER.entity_id: 500.0}
        self._has_copy = False

    def draw(self, length: int) -> None:
        self.live()
        events = [
            self.live,
            self.live,
            self.live,
            self.fall,
            self.glitch,
            self.unavailable,
            self.outage,
            self.restart,
            self.restart,
            self.put,
            self.adjust,
            self.lock,
            self.copy_or_restore,
            self.clear,
        ]
        for _ in range(length):
            self._random.choice(events)()
        self.live()

    def write(self) -> None:
        """Write what chance may leave out: each fall, and a state that is purged while it holds."""
        self.live()
        for kept in FALLS:
            self._values[SOLAR.entity_id] *= kept
            self.wait(400)
            self.push()
        self.wait(29 * HOUR)
        self.live()

    def wait(self, seconds: float) -> None:
        self._now += round(2 * seconds) / 2
        self.steps.append(["advance", self._now])

    def live(self) -> None:
        every = self._random.choice([60, 60, 120, 290, 300, 700])
        for _ in range(self._random.randint(2, 30)):
            self.wait(every + self._random.uniform(-5, 5))
            self.push()

    def push(self) -> None:
        for series in SENSORS.values():
            step = self._random.choice([0, 0.01, 0.1, 0.25])
            if not series.is_counter:
                step = self._random.uniform(-50, 50)
            self._values[series.entity_id] += step
            self._push(series)

    def _push(self, series: Series) -> None:
        value = self._values[series.entity_id]
        self.steps.append(["push", series.entity_id, round(value, 3)])

    def fall(self) -> None:
        entity_id = self._random.choice(list(self._values))
        kept = self._random.choice(FALLS)
        self._values[entity_id] *= kept
        self.live()

    def glitch(self) -> None:
        entity_id = self._random.choice(list(self._values))
        before = self._values[entity_id]
        wrong = self._random.choice([0.0, 0.95 * before, 0.75 * before, before + 500.0, -3.0])
        for value in [wrong] * self._random.randint(1, 5) + [before]:
            self.wait(60)
            self._values[entity_id] = value
            self._push(SENSORS[entity_id])

    def unavailable(self) -> None:
        self.wait(7)
        gone = self._random.sample(list(SENSORS), self._random.randint(1, 3))
        self.steps += [["push", entity_id, None] for entity_id in gone]
        self.wait(60 * self._random.randint(1, 200))
        self.push()

    def outage(self) -> None:
        self.wait(60 * self._random.randint(5, 300))
        self.push()

    def restart(self, *, restored: bool = False) -> None:
        self.steps.append(["stop"])
        self.wait(self._random.choice([20, 20, 600, 5000, 50_000, 110_000]))
        if restored:
            self.steps.append(["restore"])
        self.steps.append(["start"])
        self.wait(self._random.choice([5, 40, 700]))
        if self._random.random() < 0.3:
            self.put()  # hours that Core is about to compile
        if self._random.random() < 0.5:
            self.push()
        self.wait(5)
        self.steps.append(["started"])
        if self._random.random() < 0.5:
            self.live()

    def put(self) -> None:
        series = self._random.choice(list(SENSORS.values()))
        rows = []
        # Sometimes the hour that is not over yet.
        first = self._now // HOUR * HOUR - HOUR * self._random.randint(0, 8)
        for start in range(int(first), int(first) + HOUR * self._random.randint(1, 5), HOUR):
            keys = ["state", "sum"] if series.is_counter else ["mean", "min", "max"]
            values = {key: round(self._random.uniform(0, 500), 3) for key in keys}
            rows.append({"start": start} | values)
        self.steps.append(["import_statistics", series.entity_id, rows])

    def adjust(self) -> None:
        since = self._now // HOUR * HOUR - HOUR * self._random.randint(0, 8)
        amount = self._random.choice([-4890.0, 0.25, 12.5])
        entity_id = self._random.choice([SOLAR, LOAD]).entity_id
        self.steps.append(["adjust_sum_statistics", entity_id, since, amount])

    def lock(self) -> None:
        self.steps.append(["lock"])
        for _ in range(self._random.randint(1, 3)):
            self._random.choice([self.live, self.put, self.adjust, self.adjust])()
        self.steps.append(["unlock"])

    def copy_or_restore(self) -> None:
        if self._has_copy:
            self.restart(restored=True)
        else:
            self.steps.append(["copy"])
            self._has_copy = True
            self.outage()

    def clear(self) -> None:
        self.steps.append(["clear_statistics", [self._random.choice(list(SENSORS))]])


def by_the_model(script: Script) -> Rows:
    core = Recorder(script.began, SENSORS.values(), kept_days=KEPT_DAYS)
    copy = core.copy()
    for name, *arguments in script.steps:
        if name == "copy":
            copy = core.copy()
        elif name == "restore":
            core.restore(copy)
        elif name == "import_statistics":
            entity_id, rows = arguments
            core.import_statistics(SENSORS[entity_id], [Stored(0, **row) for row in rows])
        else:
            getattr(core, name)(*arguments)
    return {
        kind: {
            entity_id: [[row.start, row.state, row.sum, row.mean, row.min, row.max] for row in rows]
            for entity_id in SENSORS
            if (rows := read(entity_id))
        }
        for kind, read in (("hourly", core.hourly), ("short_term", core.short_term))
    }


async def by_core(scripts: list[Script]) -> list[Rows]:
    given = [
        {
            "now": script.began,
            "kept_days": KEPT_DAYS,
            "counters": [series.entity_id for series in SENSORS.values() if series.is_counter],
            "steps": script.steps,
        }
        for script in scripts
    ]
    process = await asyncio.create_subprocess_exec(
        *_core_python(),
        "-P",  # beside the driver are modules with the names of Python's own
        DRIVER.name,
        cwd=DRIVER.parent,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    answer, errors = await process.communicate(json.dumps(given).encode())
    assert process.returncode == 0, errors.decode()[-4000:]
    rows: list[Rows] = json.loads(answer)
    return rows


def _core_python() -> list[str]:
    hass = Path(find_hass()).resolve()
    enter = hass.with_name("enter")
    if enter.exists():  # it has a root of its own
        return [str(enter), "/core/bin/python"]
    return [str(hass.with_name("python"))]


def values(rows: Rows) -> dict[str, float]:
    """Return every value, by where it is."""
    return {
        f"{kind} {entity_id} {row[0]:.0f} {column}": value
        for kind, entities in rows.items()
        for entity_id, each in entities.items()
        for row in each
        for column, value in zip(("state", "sum", "mean", "min", "max"), row[1:], strict=True)
        if value is not None
    }


@pytest.mark.core
@pytest.mark.timeout(300)
async def test_the_model_leaves_the_same_rows_as_a_real_core() -> None:
    scripts = [Script(seed) for seed in SEEDS]
    for script in scripts:
        script.draw(15)
    written = Script(0)
    written.write()
    scripts.append(written)
    for script, real in zip(scripts, await by_core(scripts), strict=True):
        expected = pytest.approx(values(real), rel=1e-9, abs=1e-9)
        assert values(by_the_model(script)) == expected


def test_a_shift_waits_while_the_database_is_locked_and_is_lost_if_core_is_killed_then() -> None:
    core = a_core_after_an_hour()
    core.lock()
    core.adjust_sum_statistics(SOLAR.entity_id, NOON, 7.0)
    assert core.hourly(SOLAR.entity_id)[0].sum == pytest.approx(5.9)
    core.kill()
    core.start()
    core.started()
    assert core.hourly(SOLAR.entity_id)[0].sum == pytest.approx(5.9)
    core.lock()
    core.adjust_sum_statistics(SOLAR.entity_id, NOON, 7.0)
    core.unlock()
    assert core.hourly(SOLAR.entity_id)[0].sum == pytest.approx(12.9)


def test_a_kill_loses_what_was_not_yet_committed() -> None:
    core = a_core_after_an_hour()
    for second, value in ((30, 16.0), (58, 17.0)):
        core.advance(NOON + HOUR + 60 + second)
        core.push(SOLAR.entity_id, value)
    core.advance(NOON + HOUR + 120)
    core.kill()
    core.advance(NOON + HOUR + 400)
    core.start()
    core.push(SOLAR.entity_id, 18.0)
    core.started()
    assert core.short_term(SOLAR.entity_id)[-1].state == 16.0


async def test_the_add_on_reads_what_it_has_put_and_cannot_ask_while_core_is_away() -> None:
    core = a_core_after_an_hour()
    statistics = ModelStatistics(core)
    hour = datetime.fromtimestamp(NOON, UTC)
    put = Row(hour, state=15.9, sum=100.0)
    assert await statistics.put({SOLAR: [put], replace(LOAD, unit="Wh"): [put]}) == {}
    assert (await statistics.misfits([replace(SOLAR, unit="Wh")])).keys() == {SOLAR.entity_id}
    await statistics.shift(SOLAR.entity_id, hour, 1.0, "kWh")
    read = await statistics.rows([SOLAR.entity_id], hour, hour + timedelta(hours=1))
    assert read == {SOLAR.entity_id: [Row(hour, state=15.9, sum=101.0)]}
    with pytest.raises(CoreRefusedError):
        await statistics.shift(POWER.entity_id, hour, 1.0, "kWh")
    core.stop()
    with pytest.raises(CoreAwayError):
        await statistics.rows([SOLAR.entity_id], hour, hour)


def a_core_after_an_hour() -> Recorder:
    """Return a Core in which a counter has counted 5.9 kWh in an hour."""
    core = Recorder(NOON, SENSORS.values())
    for minute in range(60):
        core.advance(NOON + 60 * minute + 5)
        core.push(SOLAR.entity_id, 10.0 + minute / 10)
    core.advance(NOON + HOUR + 60)
    return core
