"""Where it happens: a simulated cloud, a Supervisor, a real Core, the service, and their clock."""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import addon
import longer_timeouts
from house import CREDENTIAL, SECOND, TOKEN, House, until
from simulator import SECOND_CLIENT_ID, SECOND_CREDENTIAL, Simulator
from simulator.records import COUNTERS
from simulator.world import Inverter, World, days_ago
from standin.broker import Broker
from standin.client import statistics_question
from standin.real_core import RealCore, find_hass
from standin.supervisor import Supervisor

# A battery, three phases; and one that v2 alone is enough for.
_PRESETS = ("st", "si")
_NAMES = ("House", "Shed")
# The sensors that show the simulator's counters.
_SENSORS: Mapping[str, str] = {
    "pv": "solar_generation_total",
    "exported": "grid_export_total",
    "imported": "grid_import_total",
    "load": "site_load_total",
    "charged": "battery_charge_total",
    "discharged": "battery_discharge_total",
}
_OF_BATTERY = frozenset({"charged", "discharged"})

_NO_VALUE = ("unavailable", "unknown")

_ANY_PORT = 0
_CLOUD = "cloud.test"
_HOSTS = "127.0.0.1 localhost\n"
_HOSTS_OF_CLOUD = f"{_HOSTS}127.0.0.1 {_CLOUD}\n"

BROKER_PASSWORD = "password-of-the-broker"

FAST = 60
NORMAL = 1


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter of an inverter and its entity, without `sensor.`.

    `quantity` is its name in the physics of the simulator, `field` the one in the API.
    """

    entity: str
    inverter: Inverter
    quantity: str
    field: str


@dataclass(frozen=True)
class System:
    """Everything together; Core is started, the service is not.

    `named` is what people call each inverter, `counters` is what is to be compared, and `hosts` the
    file of this world's names. There is a `broker` where the inverters are devices.
    """

    home: House
    core: RealCore
    broker: Broker | None
    named: Mapping[Inverter, str]
    counters: tuple[Counter, ...]
    hosts: Path

    async def begin(self) -> dict[str, float]:
        """Start the service, and return what each counter first showed, kWh."""
        await self.home.service.start()
        shown: dict[str, float] = {}

        async def all_there() -> bool:
            states = await self.home.states()
            for counter in self.counters:
                state = states.get(counter.entity, {}).get("state")
                if state is not None and state not in _NO_VALUE:
                    # Those of a battery come later, and the others must not grow meanwhile.
                    shown.setdefault(counter.entity, float(state))
            return len(shown) == len(self.counters)

        await until(all_there, 120)
        return shown

    def show_as(self, *, devices: bool) -> None:
        """Let the service show devices, or plain entities, from its next start on."""
        file = self.home.data / "options.json"
        options = json.loads(file.read_text())
        file.write_text(json.dumps(options | {"devices": devices}))

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let the service's disk take nothing meanwhile."""
        filler = self.home.data / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        yield
        filler.unlink()

    @contextmanager
    def without_name(self) -> Iterator[None]:
        """Let nobody find the cloud by its name meanwhile."""
        self.hosts.write_text(_HOSTS)
        yield
        self.hosts.write_text(_HOSTS_OF_CLOUD)

    async def copy_database(self, copy: Path) -> None:
        """Copy what Core has recorded."""
        await asyncio.to_thread(_copy_database, self._database, copy)

    def restore_database(self, copy: Path) -> None:
        """Put a copy back, as a backup does; Core is stopped."""
        for name in ("-wal", "-shm"):
            self._database.with_name(self._database.name + name).unlink(missing_ok=True)
        shutil.copyfile(copy, self._database)

    def lose_rows(self) -> None:
        """Lose what Core has of the hour before its last one, but for one entity's row.

        The very first hour stays: what is known of it is only a part.
        """
        with closing(sqlite3.connect(self._database)) as database, database:
            question = "SELECT min(start_ts), max(start_ts) FROM statistics"
            first, last = database.execute(question).fetchone()
            kept = database.execute(
                "SELECT max(id) FROM statistics_meta WHERE statistic_id = ?",
                (f"sensor.{self.counters[0].entity}",),
            ).fetchone()
            for table in ("statistics", "statistics_short_term"):
                database.execute(
                    f"DELETE FROM {table} WHERE metadata_id != ?"  # noqa: S608 - our own names
                    " AND start_ts >= ? AND start_ts < ?",
                    (*kept, max(last, first + 7200) - 3600, last),
                )

    @property
    def _database(self) -> Path:
        return self.core.folder / "home-assistant_v2.db"

    async def statistics(self, start: datetime, end: datetime) -> dict[str, list[dict[str, Any]]]:
        """Return Core's hourly statistics of all counters, by entity."""
        ids = [f"sensor.{counter.entity}" for counter in self.counters]
        types = ["state", "sum", "change"]
        rows = await self.core.command(statistics_question(ids, start, end, types=types))
        return {name.removeprefix("sensor."): found for name, found in rows.items()}

    async def core_version(self) -> str:
        """Return which Core it is."""
        async with self.core.client() as client:
            return str((await client.request("GET", "config")).body["version"])

    async def written(self, end: datetime) -> bool:
        """Whether Core has written the hour that ends then."""
        rows = await self.statistics(end - timedelta(hours=1), end)
        return len(rows) == len(self.counters)


@asynccontextmanager
async def running_system(  # noqa: PLR0913 - all but two have defaults
    seed: int,
    folder: Path,
    *,
    days: int = 3,
    history_days: int = 0,
    past_of_v221: bool = False,
    frontend: bool = False,
    devices: bool = False,
    two_accounts: bool = False,
    timeout_factor: float = FAST,
) -> AsyncIterator[System]:
    """Make it in a new folder, below which all logs are; the seed draws the days too.

    The inverters have counted for these `days`. `past_of_v221` lets the cloud's past have
    what only v2.21 has, `frontend` lets a browser look at Core, `devices` makes the inverters
    devices over MQTT, `two_accounts` gives each its own account, and the service's timeouts are
    longer by `timeout_factor`.
    """
    # For all that runs here; what is slow at normal speed ends with the whole run.
    os.environ[longer_timeouts.VARIABLE] = str(FAST)
    data, hosts = folder / "data", folder / "hosts"
    data.mkdir(parents=True)
    hosts.write_text(_HOSTS_OF_CLOUD)
    # This world has its own view of the files: nobody else sees these.
    await _mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", data)
    await _mount("--bind", hosts, "/etc/hosts")
    world = World(seed=str(seed), commissioned=days_ago(days), past_of_v221=past_of_v221)
    first, second = (_PRESETS[:1], _PRESETS[1:]) if two_accounts else (_PRESETS, ())
    world.add_account(first, credential=CREDENTIAL)
    if second:
        world.add_account(second, client_id=SECOND_CLIENT_ID, credential=SECOND_CREDENTIAL)
    broker = (
        Broker(folder / "broker", username="addons", password=BROKER_PASSWORD) if devices else None
    )
    address = None if broker is None else broker.address
    async with (
        broker or nullcontext(),
        RealCore(find_hass(), folder / "core", frontend=frontend, broker=address) as core,
        Simulator(world, name=_CLOUD) as simulator,
        Supervisor(core.address, token=TOKEN, config=addon.config()) as supervisor,
    ):
        supervisor.broker = address
        log = folder / "service.log"
        home = House(
            simulator,
            supervisor,
            core.address,
            data,
            panel_port=_ANY_PORT,
            log=log,
            timeout_factor=timeout_factor,
        )
        named = dict(zip(world.inverters, _NAMES, strict=True))
        home.service.options(
            sites=[{"id": inverter.serial, "name": name} for inverter, name in named.items()],
            history_days=history_days,
            devices=devices,
            more_accounts=[SECOND] if second else [],
        )
        counters = [
            Counter(f"{name.lower()}_{sensor}", inverter, quantity, COUNTERS[quantity])
            for inverter, name in named.items()
            for quantity, sensor in _SENSORS.items()
            if inverter.family.battery or quantity not in _OF_BATTERY
        ]
        try:
            yield System(home, core, broker, named, tuple(counters), hosts)
        finally:
            await home.service.kill()


def _copy_database(database: Path, copy: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


async def _mount(*words: str | Path) -> None:
    process = await asyncio.create_subprocess_exec("mount", *words)
    if await process.wait():
        raise RuntimeError("this is not a world with a view of its own")


async def set_speed(speed: int) -> None:
    """Let everybody's clock run faster by this factor from now on."""
    process = await asyncio.create_subprocess_exec("speed", str(speed))
    if await process.wait():
        raise RuntimeError("this is not the world whose clock can run faster")


async def sleep_until(moment: datetime) -> None:
    """Sleep, however the clock runs meanwhile."""
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        await asyncio.sleep(min(left, 60))
