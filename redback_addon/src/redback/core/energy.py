"""Core's Energy dashboard: adds sources, and leaves existing ones unchanged."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from .errors import CoreRefusedError
from .preferences import Planned, Priced, Source, merge, plan, priced
from .websocket import WebSocket

_SAVE = "energy/save_prefs"
_UNTRACKED = "recorder_untracked"
# By Core's word for an issue.
_SENTENCES: Mapping[str, str] = {
    "statistics_not_defined": (
        "Home Assistant has no statistics of {} yet; they appear within five minutes."
    ),
    "entity_not_defined": "Home Assistant does not know {} yet.",
    "entity_unavailable": "{} is {} at the moment.",
    _UNTRACKED: ("Home Assistant does not record {}: your recorder configuration excludes it."),
}


class _Preferences(msgspec.Struct, frozen=True):
    energy_sources: list[dict[str, Any]]


class _Reported(msgspec.Struct, frozen=True):
    type: str
    affected_entities: list[tuple[str, Any]] = []


class _Validation(msgspec.Struct, frozen=True):
    energy_sources: list[list[_Reported]]


class _Info(msgspec.Struct, frozen=True):
    cost_sensors: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that Core finds wrong with a source, by Core's word for it."""

    kind: str
    entity_id: str
    detail: str | float | None

    def __str__(self) -> str:
        """Return it as one sentence."""
        if self.kind in _SENTENCES:
            return _SENTENCES[self.kind].format(self.entity_id, self.detail)
        detail = "" if self.detail is None else f" ({self.detail})"
        return f"Home Assistant reports {self.entity_id}: {self.kind.replace('_', ' ')}{detail}."


class Energy:
    """The Energy dashboard of one Core; every call raises as `WebSocket.command` does."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._saving = asyncio.Lock()

    async def plan(self, sources: Sequence[Source]) -> tuple[Planned, ...]:
        """Return for each source whether it exists, and what adding it would mean."""
        return plan(await self._sources(), sources, self._websocket.version)

    async def add(self, sources: Sequence[Source], grid: str | None = None) -> tuple[Source, ...]:
        """Add the missing sources, and return them; existing ones stay unchanged.

        A grid beside another one is left out: its energy might count twice. If somebody insists,
        `grid` is the name of one that is added nevertheless, and alone.
        """
        async with self._saving:
            # People may have changed it since they were shown the plan.
            stored = await self._sources()
            wanted = tuple(
                planned.source
                for planned in plan(stored, sources, self._websocket.version)
                if not planned.is_there and _is_wanted(planned, grid)
            )
            if wanted:
                merged = merge(stored, wanted, self._websocket.version)
                await self._websocket.command({"type": _SAVE, "energy_sources": merged})
                if not all(planned.is_there for planned in await self.plan(wanted)):
                    detail = "what was saved is not there"
                    raise CoreRefusedError.of_command(_SAVE, detail, "not_taken")
            return wanted

    async def priced(self, meters: Collection[str]) -> Priced:
        """Return the statistics of the money that Core works out for these meters of grids."""
        stored = await self._sources()
        info = await self._websocket.ask({"type": "energy/info"}, _Info)
        return priced(stored, meters, info.cost_sensors)

    async def issues(self, sources: Iterable[Source]) -> tuple[Issue, ...]:
        """Return what Core finds wrong with those of these sources that are there.

        Of an entity that the recorder leaves out only that: the rest follows from it.
        """
        own = {entity_id for source in sources for entity_id in source.roles.values()}
        validation = await self._websocket.ask({"type": "energy/validate"}, _Validation)
        found = {
            (issue.type, entity_id): Issue(issue.type, entity_id, detail)
            for source in validation.energy_sources
            for issue in source
            for entity_id, detail in issue.affected_entities
            if entity_id in own
        }
        untracked = {entity_id for kind, entity_id in found if kind == _UNTRACKED}
        return tuple(
            found[kind, entity_id]
            for kind, entity_id in sorted(found)
            if kind == _UNTRACKED or entity_id not in untracked
        )

    async def _sources(self) -> list[dict[str, Any]]:
        try:
            stored = await self._websocket.ask({"type": "energy/get_prefs"}, _Preferences)
        except CoreRefusedError as error:
            if error.code != "not_found":
                raise
            return []  # it was never set up
        return stored.energy_sources


def _is_wanted(planned: Planned, grid: str | None) -> bool:
    if grid is None:
        return not planned.beside
    return planned.source.kind == "grid" and planned.source.name == grid
