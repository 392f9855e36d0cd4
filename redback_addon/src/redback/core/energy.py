"""Core's Energy dashboard: sources are added to it, and nothing that is there is touched."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from .errors import CoreRefusedError
from .preferences import Planned, Source, merge, plan
from .websocket import WebSocket

_T = TypeVar("_T")
_SAVE = "energy/save_prefs"
# What Core calls an issue, and what it means for the user.
_SENTENCES: Mapping[str, str] = {
    "statistics_not_defined": (
        "Home Assistant has no statistics of {} yet: it makes them within five minutes."
    ),
    "entity_not_defined": "Home Assistant does not know {} yet.",
    "entity_unavailable": "{} is {} at the moment.",
    "recorder_untracked": (
        "Home Assistant does not record {}: your configuration of its recorder leaves it out."
    ),
}


class _Preferences(msgspec.Struct, frozen=True):
    energy_sources: list[dict[str, Any]]


class _Told(msgspec.Struct, frozen=True):
    type: str
    affected_entities: list[tuple[str, Any]] = []


class _Validation(msgspec.Struct, frozen=True):
    energy_sources: list[list[_Told]]


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that Core finds wrong with a source.

    Attributes:
        kind: Core's word for it.
        entity_id: of what it is wrong with.
        detail: a value that should be another; None where there is none.
    """

    kind: str
    entity_id: str
    detail: str | float | None

    def __str__(self) -> str:
        """Say it in one sentence."""
        if self.kind in _SENTENCES:
            return _SENTENCES[self.kind].format(self.entity_id, self.detail)
        detail = "" if self.detail is None else f" ({self.detail})"
        return f"Home Assistant says of {self.entity_id}: {self.kind.replace('_', ' ')}{detail}."


class Energy:
    """The Energy dashboard of one Core; every call raises as `WebSocket.command` does."""

    def __init__(self, link: WebSocket) -> None:
        self._link = link
        self._saving = asyncio.Lock()

    async def plan(self, sources: Sequence[Source]) -> tuple[Planned, ...]:
        """Tell of each source whether it is there, and what adding it would mean."""
        return plan(await self._sources(), sources, self._link.version)

    async def add(self, sources: Sequence[Source], *, beside: bool = False) -> tuple[Source, ...]:
        """Add those that are not there; what there is stays as it is.

        Args:
            sources: what should be there.
            beside: whether a grid is added beside another one too.

        Returns:
            What was added.

        Raises:
            CoreRefusedError: with the code not_taken where it is not there afterwards.
        """
        async with self._saving:
            # As it is now: people may have changed it since they were shown the plan.
            stored = await self._sources()
            wanted = tuple(
                planned.source
                for planned in plan(stored, sources, self._link.version)
                if not planned.is_there and (beside or not planned.beside)
            )
            if wanted:
                merged = merge(stored, wanted, self._link.version)
                await self._link.command({"type": _SAVE, "energy_sources": merged})
                await self._confirm(wanted)
            return wanted

    async def issues(self, sources: Iterable[Source]) -> tuple[Issue, ...]:
        """Tell what Core finds wrong with these sources, as far as they are there."""
        own = {entity_id for source in sources for entity_id in source.roles.values()}
        validation = await self._ask("energy/validate", _Validation)
        found = {
            (told.type, entity_id): Issue(told.type, entity_id, detail)
            for source in validation.energy_sources
            for told in source
            for entity_id, detail in told.affected_entities
            if entity_id in own
        }
        return tuple(found[key] for key in sorted(found))

    async def _confirm(self, wanted: Collection[Source]) -> None:
        found = plan(await self._sources(), tuple(wanted), self._link.version)
        if not all(planned.is_there for planned in found):
            raise CoreRefusedError(
                "COMMAND", _SAVE, None, "what was saved is not there", code="not_taken"
            )

    async def _sources(self) -> list[dict[str, Any]]:
        try:
            return (await self._ask("energy/get_prefs", _Preferences)).energy_sources
        except CoreRefusedError as error:
            if error.code != "not_found":
                raise
            return []  # it was never set up

    async def _ask(self, question: str, kind: type[_T]) -> _T:
        answer = await self._link.command({"type": question})
        try:
            return msgspec.convert(answer, kind)
        except msgspec.ValidationError as error:
            raise CoreRefusedError(
                "COMMAND", question, None, str(error), code="unexpected_answer"
            ) from None
