"""That no entity of somebody else is written, and that the panel says whose it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from fake_clock import FakeClock
from house import until
from redback.core import HomeAssistant, Series, open_session
from redback.options import Options
from redback.problems import Kind, Problems
from redback.publishing.delivery import Delivery
from redback.publishing.device import Device
from redback.publishing.states import StatePublisher
from redback.publishing.ways import publisher as make_publisher
from redback.sensors.entities import Shown
from running import running
from standin.client import Client
from standin.core import Core
from standin.errors import CommandError
from standin.integrations import PLATFORM, Integration
from standin.real_core import AnyCore
from standin.supervisor import TOKEN, Supervisor

HOUR = 3600
DAY = 24 * HOUR


class Home:
    """A publisher that is connected to a Core, and what Core shows."""

    def __init__(
        self, core: AnyCore, client: Client, url: str, clock: FakeClock, folder: Path
    ) -> None:
        self.folder = folder
        self.core = core
        self.client = client
        self.url = url
        self.clock = clock
        self.problems = Problems(clock)

    @asynccontextmanager
    async def started(self, name: str) -> AsyncIterator[StatePublisher]:
        """Let a publisher of an inverter with this name work."""
        self.device = Device("RB1", name)
        async with open_session(TOKEN) as session:
            home_assistant = HomeAssistant(
                session, self.url, TOKEN, self.clock, self.problems, prefix="redback"
            )
            delivery = Delivery(lambda *_: None)
            publisher = cast(
                "StatePublisher",
                make_publisher(
                    Options("id", "secret"),
                    self.folder,
                    home_assistant,
                    self.clock,
                    self.problems,
                    delivery,
                ),
            )
            async with running(home_assistant, publisher):
                self.publisher = publisher
                yield publisher
            await publisher.farewell(asyncio.get_running_loop().time() + 60)

    def show(self, **values: float | None) -> None:
        """Offer these values."""
        shown = [Shown(key, value, value is not None) for key, value in values.items()]
        self.publisher.offer(self.device, shown)

    async def value(self, entity_id: str) -> str | None:
        answer = await self.client.request("GET", f"states/{entity_id}")
        state: str | None = answer.body.get("state")
        return state

    async def shows(self, entity_id: str, value: float) -> None:
        async def is_so() -> bool:
            return await self.value(entity_id) == str(value)

        await until(is_so)

    def told(self, kind: Kind) -> str | None:
        problem = self.problems.find(kind)
        return None if problem is None else problem.sentence


@pytest_asyncio.fixture
async def home(
    core: Core, supervisor: Supervisor, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Home]:
    async with Client.of_core(core.url, core.token) as client:
        yield Home(core, client, supervisor.url, clock, tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def any_home(any_core: AnyCore, tmp_path: Path) -> AsyncIterator[Home]:
    async with (
        Client.of_core(any_core.url, any_core.token) as client,
        Supervisor(any_core.address) as supervisor,
    ):
        yield Home(any_core, client, supervisor.url, FakeClock(), tmp_path)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_entity_of_an_integration_is_left_to_it_until_it_is_deleted(
    any_home: Home,
) -> None:
    home = any_home
    other = await Integration.set_up(home.core, home.client, "owned_grid_power")
    before = await home.value(other.entity_id)
    async with home.started("Owned"):
        home.show(grid_power=1000.5, site_load=2.5)
        await home.shows("sensor.owned_site_load", 2.5)
        assert await home.value(other.entity_id) == before
        assert home.told(Kind.OWNED) == (
            "The add-on does not write sensor.owned_grid_power: the integration"
            f" {PLATFORM} has the same entities."
        )
        await other.delete(home.client)
        await home.shows(other.entity_id, 1000.5)
        assert not home.problems.now


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_is_imported_of_what_the_recorder_leaves_out(any_home: Home) -> None:
    home = any_home
    ids = {key: f"sensor.not_recorded_{key}" for key in ("grid_import_total", "site_load")}
    if isinstance(home.core, Core):
        home.core.statistics.excluded.update(ids.values())
    series = {key: Series(one, "kWh", is_counter=True) for key, one in ids.items()}
    other = Series("sensor.recorded_site_load_total", "kWh", is_counter=True)
    async with home.started("Not recorded") as publisher:
        home.show(grid_import_total=1000.5, site_load=2.5)
        await home.shows(ids["grid_import_total"], 1000.5)
        await home.shows(ids["site_load"], 2.5)
        assert await publisher.ownership.importable({**series, "other": other}) == {"other": other}
        assert publisher.ownership.why_not(ids["site_load"]) == (
            "Home Assistant does not record sensor.not_recorded_site_load"
        )
        assert publisher.ownership.why_not(other.entity_id) is None
        assert home.told(Kind.UNRECORDED) == (
            "Home Assistant does not record sensor.not_recorded_grid_import_total,"
            " sensor.not_recorded_site_load, so no history is filled in for them."
        )


async def test_what_is_recorded_again_is_noticed_within_an_hour(home: Home, core: Core) -> None:
    core.statistics.excluded.add("sensor.redback_site_load_total")
    async with home.started("Redback"):
        home.show(site_load_total=5.5)
        await home.shows("sensor.redback_site_load_total", 5.5)
        await home.clock.advance(HOUR)
        await until(lambda: home.told(Kind.UNRECORDED))
        core.statistics.excluded.clear()
        await home.clock.advance(HOUR)
        await until(lambda: not home.problems.now)


async def test_nothing_is_imported_of_what_somebody_else_has(home: Home, core: Core) -> None:
    core.registry.add("sensor.redback_site_load_total", PLATFORM)
    core.write("sensor.redback_grid_import_total", "1000.5")
    keys = "site_load_total", "grid_import_total", "grid_export_total"
    series = {key: Series(f"sensor.redback_{key}", "kWh", is_counter=True) for key in keys}
    async with home.started("Redback") as publisher:
        home.show(**dict.fromkeys(keys, 5.5))
        await home.shows("sensor.redback_grid_export_total", 5.5)
        assert (await publisher.ownership.importable(series)).keys() == {"grid_export_total"}
        assert [publisher.ownership.why_not(one.entity_id) for one in series.values()] == [
            f"the integration {PLATFORM} has sensor.redback_site_load_total",
            "something else writes sensor.redback_grid_import_total",
            None,
        ]


async def test_what_something_else_wrote_before_is_not_written_until_its_state_is_gone(
    home: Home, core: Core
) -> None:
    core.write("sensor.redback_grid_power", "7")
    async with home.started("Redback"):
        home.show(grid_power=1.5, site_load=2.5)
        await home.shows("sensor.redback_site_load", 2.5)
        assert home.told(Kind.WRITTEN) == (
            "The add-on no longer writes sensor.redback_grid_power: something else in Home"
            " Assistant does."
        )
        assert pushed(core, "sensor.redback_grid_power") == ["7"]
        core.remove("sensor.redback_grid_power")
        await home.shows("sensor.redback_grid_power", 1.5)
        assert not home.problems.now


async def test_one_value_of_a_second_writer_is_enough(home: Home, core: Core) -> None:
    async with home.started("Redback"):
        home.show(grid_power=1.5, site_load=2.5)
        await home.shows("sensor.redback_grid_power", 1.5)
        home.show(grid_power=3.5)
        await home.shows("sensor.redback_grid_power", 3.5)
        core.write("sensor.redback_grid_power", "7")
        await until(lambda: home.told(Kind.WRITTEN))
        home.show(grid_power=4.5, site_load=5.5)
        await home.shows("sensor.redback_site_load", 5.5)
        home.show(grid_power=None, site_load=None)
    assert pushed(core, "sensor.redback_grid_power") == ["1.5", "3.5", "7"]
    assert await home.value("sensor.redback_site_load") == "unavailable"


async def test_a_restart_of_core_without_the_second_writer_ends_it(home: Home, core: Core) -> None:
    core.write("sensor.redback_grid_power", "7")
    async with home.started("Redback"):
        home.show(grid_power=1.5)
        await until(lambda: home.told(Kind.WRITTEN))
        await core.restart()
        await until_later(home.clock, lambda: not home.problems.now)
        await home.shows("sensor.redback_grid_power", 1.5)


async def test_a_restart_of_core_with_a_new_integration_leaves_its_entity_to_it(
    home: Home, core: Core
) -> None:
    async with home.started("Redback"):
        home.show(grid_power=1.5, site_load=2.5)
        await home.shows("sensor.redback_grid_power", 1.5)
        await core.stop()
        core.registry.add("sensor.redback_grid_power", PLATFORM)
        core.write("sensor.redback_grid_power", "7")
        await core.start()
        await until_later(home.clock, lambda: home.told(Kind.OWNED))
        await home.shows("sensor.redback_site_load", 2.5)
        assert pushed(core, "sensor.redback_grid_power") == ["1.5", "7"]


async def test_who_has_written_nothing_for_a_day_is_no_second_writer(
    home: Home, core: Core
) -> None:
    async with home.started("Redback"):
        home.show(grid_power=1.5, site_load=2.5)
        await home.shows("sensor.redback_grid_power", 1.5)
        for entity_id in ("sensor.redback_grid_power", "sensor.redback_site_load"):
            core.write(entity_id, "7")
        await until(lambda: len((home.told(Kind.WRITTEN) or "").split(",")) == 2)
        await home.clock.advance(DAY - HOUR)
        core.write("sensor.redback_site_load", "8")
        await home.publisher.ownership.importable({})  # Core answers in order
        await home.clock.advance(DAY - HOUR)
        assert home.told(Kind.WRITTEN)
        await home.clock.advance(2 * HOUR)
        await home.shows("sensor.redback_grid_power", 1.5)
        await home.shows("sensor.redback_site_load", 2.5)
        assert not home.problems.now


@pytest.mark.parametrize("way", ["renamed", "disabled"])
async def test_an_entity_that_is_renamed_or_disabled_is_no_longer_its_integrations(
    home: Home, core: Core, way: str
) -> None:
    entity_id = "sensor.redback_grid_power"
    core.registry.add(entity_id, PLATFORM)
    core.write(entity_id, "7")
    async with home.started("Redback"):
        home.show(grid_power=1.5)
        await until(lambda: home.told(Kind.OWNED))
        if way == "renamed":
            core.registry.rename(entity_id, "sensor.another_power")
        else:
            core.registry.add(entity_id, PLATFORM, disabled_by="user")
        core.remove(entity_id)
        await home.shows(entity_id, 1.5)
        assert not home.problems.now


async def test_an_entity_that_is_registered_while_it_is_ours_is_left_to_its_integration(
    home: Home, core: Core
) -> None:
    async with home.started("Redback"):
        home.show(grid_power=1.5, site_load=2.5)
        await home.shows("sensor.redback_grid_power", 1.5)
        core.registry.add("sensor.redback_grid_power", PLATFORM)
        await until(lambda: home.told(Kind.OWNED))
        home.show(grid_power=3.5, site_load=4.5)
        await home.shows("sensor.redback_site_load", 4.5)
        assert pushed(core, "sensor.redback_grid_power") == ["1.5"]


async def test_the_state_that_a_deleted_integration_takes_along_is_sent_again(
    home: Home, core: Core
) -> None:
    core.registry.add("sensor.redback_grid_power", PLATFORM)
    async with home.started("Redback"):
        home.show(grid_power=1.5)
        await until(lambda: home.told(Kind.OWNED))
        core.registry.remove("sensor.redback_grid_power")
        await home.shows("sensor.redback_grid_power", 1.5)
        core.remove("sensor.redback_grid_power")
        await home.shows("sensor.redback_grid_power", 1.5)


async def test_nothing_is_said_of_entities_of_a_former_name(home: Home, core: Core) -> None:
    core.registry.add("sensor.redback_grid_power", PLATFORM)
    async with home.started("Redback"):
        home.show(grid_power=None, site_load=2.5)
        await home.shows("sensor.redback_site_load", 2.5)
        assert not home.problems.now
        assert not pushed(core, "sensor.redback_grid_power")


async def test_many_entities_are_named_in_one_short_sentence(home: Home, core: Core) -> None:
    values = {f"power_{number}": 1.5 for number in range(9)}
    for key in values:
        core.registry.add(f"sensor.redback_{key}", PLATFORM)
    async with home.started("Redback"):
        home.show(**values)
        await until(lambda: home.told(Kind.OWNED))
        assert str(home.told(Kind.OWNED)).startswith(
            "The add-on does not write sensor.redback_power_0, sensor.redback_power_1,"
            " sensor.redback_power_2, sensor.redback_power_3, sensor.redback_power_4 and 4 more:"
        )


async def test_where_core_does_not_tell_whose_entities_are_they_are_shown(
    home: Home, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise CommandError("unknown_command", "Unknown command.")

    monkeypatch.setattr(core.registry, "get_entries", refuse)
    async with home.started("Redback"):
        home.show(grid_power=1.5)
        await home.shows("sensor.redback_grid_power", 1.5)


def pushed(core: Core, entity_id: str) -> list[str]:
    """Return all states that an entity was ever given, by whomever."""
    return [push.state for push in core.states.history if push.entity_id == entity_id]


async def until_later(clock: FakeClock, is_so: Callable[[], object]) -> None:
    """Let those who wait for a retry go on until something is so."""

    async def pass_on() -> bool:
        await clock.advance(1)
        return bool(is_so())

    await until(pass_on)
