"""That a dashboard is made once, and is its user's from then on."""

import asyncio

import pytest

from redback.core import CoreRefusedError, Dashboard, Dashboards, WebSocket
from standin.core import Core

VIEWS = {"views": [{"title": "Now"}]}
OTHERS = {"views": [{"title": "Mine"}]}
DASHBOARD = Dashboard("redback-solar", "Redback", "mdi:solar-power-variant", VIEWS)


@pytest.fixture
def dashboards(websocket: WebSocket) -> Dashboards:
    return Dashboards(websocket)


async def test_a_dashboard_is_made_and_shown_in_the_side_bar(
    dashboards: Dashboards, core: Core
) -> None:
    assert not await dashboards.has("redback-solar")
    assert await dashboards.make(DASHBOARD)
    made = core.lovelace.dashboards["redback-solar"]
    assert (made["title"], made["icon"]) == ("Redback", "mdi:solar-power-variant")
    assert made["show_in_sidebar"]
    assert not made["require_admin"]
    assert core.lovelace.configs["redback-solar"] == VIEWS
    assert await dashboards.has("redback-solar")


async def test_two_who_press_together_make_one(dashboards: Dashboards, core: Core) -> None:
    made = await asyncio.gather(dashboards.make(DASHBOARD), dashboards.make(DASHBOARD))
    assert sorted(made) == [False, True]
    assert len(core.lovelace.dashboards) == 1


async def test_one_that_was_created_and_never_filled_is_filled(
    dashboards: Dashboards, core: Core
) -> None:
    """The connection may break between the two."""
    core.lovelace.create({"url_path": "redback-solar", "title": "Redback"})
    assert not await dashboards.has("redback-solar")
    assert await dashboards.make(DASHBOARD)
    assert core.lovelace.configs["redback-solar"] == VIEWS


@pytest.mark.parametrize("config", [OTHERS, None])
async def test_one_that_the_configuration_defines_stays(
    dashboards: Dashboards, core: Core, config: dict[str, object] | None
) -> None:
    core.lovelace.define_in_yaml("redback-solar", config)
    assert await dashboards.has("redback-solar")
    assert not await dashboards.make(DASHBOARD)


async def test_a_core_that_cannot_save_says_so(
    dashboards: Dashboards, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.lovelace, "configs", Forgetful())
    with pytest.raises(CoreRefusedError) as refused:
        await dashboards.make(DASHBOARD)
    assert refused.value.code == "not_taken"


class Forgetful(dict[str, object]):
    """Takes everything and keeps nothing."""

    def __setitem__(self, key: str, value: object) -> None:
        pass
