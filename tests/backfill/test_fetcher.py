"""That what a counter really showed is found out, however little it says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from examples import SERIAL, configuration, dynamic, static
from fake_clock import FakeClock
from polling import stand_ins
from redback.backfill import Coverage, Fetcher
from redback.cloud import Dynamic, RedbackClient
from redback.inverters.inverter import Inverter
from redback.sensors.details import Details
from redback.sensors.entities import Entities

MINUTE = timedelta(minutes=1)
IMPORT = "grid_import_total"


class Cloud:
    """An account whose inverter has a reading each minute."""

    def __init__(self, imported: Callable[[datetime], float]) -> None:
        self._imported = imported

    def reading(self, at: datetime) -> Dynamic:
        stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        return dynamic(TimestampUtc=stamp, ImportAllTimeEnergykWh=self._imported(at))

    def history(self, _: str, since: datetime, until: datetime) -> tuple[Dynamic, ...]:
        count = int((until - since) / MINUTE)
        return tuple(self.reading(since + number * MINUTE) for number in range(count))


async def shown(clock: FakeClock, imported: Callable[[datetime], float]) -> float | None:
    """Return what the counter of the grid showed now."""
    cloud, now = Cloud(imported), clock.now()
    entities = Entities(detailed=False)
    inverter = Inverter(SERIAL, "House", entities, Details(static(), configuration()))
    for minutes in (1, 0):
        entities.show(inverter.reading(cloud.reading(now - minutes * MINUTE)))
    fetcher = Fetcher(
        cast("RedbackClient", cloud),
        stand_ins.throttle(clock),
        _Clock(now),
        cast("Coverage", _ShownLately(now)),
        seen=lambda *_: None,
    )
    return (await fetcher.shown(inverter, now)).get(IMPORT)


class _ShownLately:
    """A coverage that ends at a moment."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def latest(self, _: str) -> datetime:
        return self._moment


class _Clock(FakeClock):
    """To sleep takes no time."""

    async def sleep(self, seconds: float) -> None:
        self._passed += seconds


async def _at_once(work):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - as a Runner
    return work()


async def test_a_counter_that_stands_at_zero_is_believed(clock: FakeClock) -> None:
    assert await shown(clock, lambda _: 0.0) == 0.0


async def test_a_glitch_is_not(clock: FakeClock) -> None:
    now = clock.now()
    assert await shown(clock, lambda at: 0.0 if at == now else 12.5) == 12.5
