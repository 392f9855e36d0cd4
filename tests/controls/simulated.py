"""A house in front of the simulated cloud, asked by the real client, at a fake clock's time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

from controls.stand_ins import House, OneInverter
from examples import SERIAL, decoded
from fake_clock import FakeClock
from redback.cloud import (
    Credentials,
    Hosts,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    Transport,
)
from redback.sensors.details import Details
from redback.sensors.reading import Reading
from simulator import Simulator, build_world
from simulator.schedules import Schedule
from simulator.world import CLIENT_ID, CREDENTIAL, World

_AGE, _MINUTE = timedelta(seconds=20), timedelta(minutes=1)


class SimulatedRegistry(OneInverter):
    """One that has a reading of what the simulated one does for a minute, before the next one."""

    def __init__(self, clock: FakeClock, simulator: Simulator, described: Details) -> None:
        super().__init__(described)
        self._clock = clock
        self._simulator = simulator
        self._reading: Reading | None = None

    def reading(self, _: str) -> Reading | None:
        now = self._clock.now()
        if self._reading is None or now - self._reading.at >= _MINUTE:
            record = self._simulator.truth(SERIAL, (now - _AGE).timestamp())
            self._reading = None
            if record is not None:
                self._reading = Reading(SERIAL, now, decoded(record), self.described)
        return self._reading


class SimulatedHouse(House):
    """One whose cloud is simulated; `schedules` are those that are neither over nor deleted."""

    def __init__(self, clock: FakeClock, folder: Path, simulator: Simulator) -> None:
        self.simulator = simulator
        # Whoever waits for the cloud makes time pass.
        transport = Transport(monotonic=clock.monotonic, sleep=clock.skip)
        remembered = RememberedHolder()
        credentials, hosts = (
            Credentials(CLIENT_ID, CREDENTIAL),
            Hosts(simulator.url, simulator.url),
        )
        tokens = TokenSource(transport, credentials, remembered, hosts)
        client = RedbackClient(transport, tokens, remembered, now=clock.now)
        configuration = client.configurations([SERIAL])[SERIAL]
        assert not isinstance(configuration, Exception)
        described = Details(client.static(SERIAL), configuration)
        self.registry = SimulatedRegistry(clock, simulator, described)
        super().__init__(clock, folder, client.controls, self.registry)

    @property
    def schedules(self) -> list[Schedule]:
        return self.simulator.schedules.active(SERIAL, self.clock.now().timestamp())

    @property
    def modes(self) -> list[str]:
        return [one.mode.inverter_mode for one in self.schedules]

    @property
    def limits(self) -> list[int | None]:
        """The limits of the export that are neither over nor deleted, W."""
        site, now = self.registry.described.site_id or "", self.clock.now().timestamp()
        active = self.simulator.envelopes.active(site, now)
        return [one.asked.max_export_power_w for one in active]

    def reported(self) -> Reading:
        """Return what the inverter does now."""
        reading = self.registry.reading(SERIAL)
        assert reading is not None
        return reading

    @property
    def written(self) -> list[str]:
        """All writes that the cloud was asked for, whatever became of them."""
        asked = (f"{one.method} {one.path}" for one in self.simulator.journal.entries)
        controls = (one for one in asked if "/Schedule/" in one or "/OperatingEnvelope/" in one)
        return [one for one in controls if not one.startswith("GET ")]


@contextmanager
def simulated(world: World | None = None) -> Iterator[Simulator]:
    """Run the simulated cloud in a thread of its own; nobody may have asked for `All`."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    one = build_world(["st"], commissioned=date(2026, 2, 20), latency=1.0)
    simulator = Simulator(world or one)
    try:
        asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(30)
        yield simulator
        assert not [one for one in simulator.journal.entries if one.path.endswith("/All")]
    finally:
        asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
