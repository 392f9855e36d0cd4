"""Entities over MQTT as a door: people and automations choose there, and see what is so."""

import asyncio
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

import msgspec

from ..clock import Clock, wait
from ..core import BrokerAwayError
from ..inverters.registry import Registry
from ..publishing.components import Component
from ..publishing.mqtt import MqttPublisher
from . import mqtt_entities as entities
from .book import Answer
from .command import LONGEST_TEXT, RefusedError
from .controls import Controls
from .limits import find
from .settings import Setting, Settings
from .timeline import Entry

_BY = "mqtt"
_ON, _OFF = "ON", "OFF"
# Before its end an envelope is renewed: so much earlier, or a third of its time.
_AHEAD = timedelta(minutes=5)
_AGAIN = timedelta(minutes=1)
_LONGEST_SLEEP = 60.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """The envelope that a switch which is on keeps renewing.

    Attributes:
        until: its end; None before it is made.
        due: when to renew it, or to try again.
    """

    until: datetime | None = None
    due: datetime | None = None


class MqttDoor:
    """Shows what people can do with each inverter, and takes what they do as commands.

    The switch renews its envelope while it is on, and each one has an end of its own. That lasts
    until it is switched off, another command takes its place, or the add-on ends: after a start
    nothing is renewed that nobody has asked for.
    """

    def __init__(
        self,
        controls: Controls,
        publisher: MqttPublisher,
        registry: Registry,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._controls = controls
        self._publisher = publisher
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._answers: asyncio.Queue[Answer] = asyncio.Queue()
        self._kept: dict[str, _Kept] = {}  # by serial number
        self._changed = asyncio.Event()
        controls.listen(self._hear)
        publisher.take_commands(self)

    def components(self, serial: str) -> Mapping[str, Component] | None:
        """Return an inverter's entities, by key; None while it is not known what it can do."""
        return entities.components(serial, self._registry)

    def values(self, serial: str) -> Mapping[str, object]:
        """Return what is so in the cloud, and what is set for the next commands."""
        running = self._running(serial)
        modes = [one.action for one in running if not one.is_limit]
        is_limited = any("max_export" in one.limits for one in running)
        setting = self._setting(serial)
        numbers = entities.ranges(serial, self._registry)
        return {
            entities.MODE: entities.LABELS[modes[-1] if modes else entities.AUTO],
            entities.LIMIT: _ON if is_limited else _OFF,
            **{key: getattr(setting, key) for key in numbers},
        }

    def command(self, serial: str, key: str, payload: str) -> None:
        """Take what people did; what makes no sense is refused in one sentence."""
        try:
            find(self._registry, serial)
            self._do(serial, key, payload)
        except RefusedError as error:
            self._controls.refuse(str(error), _BY, serial)

    async def run(self) -> NoReturn:
        """Tell answers, and renew what is on, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            tasks.create_task(self._renew())
        raise AssertionError

    # What people do

    def _do(self, serial: str, key: str, payload: str) -> None:
        match key:
            case entities.COMMAND:
                self._controls.take(_decoded(payload), _BY, serial)
            case entities.MODE:
                self._take(serial, key, self._chosen(serial, payload))
            case entities.BACK:
                self._take(serial, key, {"action": entities.AUTO})
            case entities.LIMIT if payload == _ON:
                self._kept.setdefault(serial, _Kept())
                self._limit(serial)
            case entities.LIMIT if payload == _OFF:
                self._kept.pop(serial, None)
                self._take(serial, key, {"action": "lift_limit"})
            case entities.LIMIT:
                raise RefusedError(f"The switch takes {_ON} and {_OFF}.")
            case entities.POWER | entities.DURATION | entities.LIMIT_POWER:
                self._set(serial, key, payload)

    def _take(self, serial: str, key: str, fields: Mapping[str, object]) -> None:
        self._controls.take({**fields, "id": key}, _BY, serial)

    def _chosen(self, serial: str, option: str) -> Mapping[str, object]:
        """Return the command that a mode stands for."""
        action = next((one for one, label in entities.LABELS.items() if label == option), None)
        if action is None:
            raise RefusedError(f"{option[:LONGEST_TEXT]} is not one of the modes.")
        setting = self._setting(serial)
        fields: dict[str, object] = {"action": action}
        if action != entities.AUTO:
            fields["minutes"] = setting.duration
        if action in entities.WITH_POWER:
            fields["power"] = setting.power
        return fields

    def _limit(self, serial: str) -> None:
        setting = self._setting(serial)
        power, minutes = setting.export_limit_power, setting.duration
        fields = {"action": "limit_export", "power": power, "minutes": minutes}
        self._take(serial, entities.LIMIT, fields)

    def _set(self, serial: str, key: str, payload: str) -> None:
        """Set a number for the next commands; nothing is written to the cloud."""
        allowed = entities.ranges(serial, self._registry).get(key)
        if allowed is None:
            raise RefusedError("This inverter has no such setting.")
        try:
            value = float(payload)
        except ValueError:
            value = math.nan
        if not (allowed.least <= value <= allowed.most and value.is_integer()):
            raise RefusedError(
                f"{entities.NAMES[key]} must be a whole number from {allowed.least:,} to"
                f" {allowed.most:,}."
            )
        self._settings.set(serial, key, int(value))
        self._publisher.show_controls(serial)

    def _setting(self, serial: str) -> Setting:
        """Return what is set, as far as the inverter allows it."""
        setting = self._settings.of(serial)
        numbers = entities.ranges(serial, self._registry)
        fitted = {key: one.fit(getattr(setting, key)) for key, one in numbers.items()}
        return msgspec.structs.replace(setting, **fitted)

    # What is so

    def _running(self, serial: str) -> list[Entry]:
        """Return what is ours, in the cloud, and active now."""
        now = self._clock.now()
        return [
            one
            for one in self._controls.timeline(serial)
            if one.whose == "own" and one.can_delete and one.runs_at(now)
        ]

    def _hear(self, answer: Answer) -> None:
        for serial in self._registry.names:  # an envelope may be of several
            self._publisher.show_controls(serial)
        if answer.serial is not None:
            self._answers.put_nowait(answer)
        kept = self._kept.get(answer.serial or "")
        if kept is None or answer.serial is None or (answer.by, answer.id) != (_BY, entities.LIMIT):
            return
        if answer.result == "started" and answer.until is not None:
            ahead = min(_AHEAD, (answer.until - self._clock.now()) / 3)
            self._kept[answer.serial] = _Kept(answer.until, answer.until - ahead)
            self._changed.set()
        elif answer.result in {"refused", "failed"} and kept.until is None:
            del self._kept[answer.serial]

    async def _tell(self) -> NoReturn:
        while True:
            answer = await self._answers.get()
            await self._publisher.broker.ready()
            if answer.serial is None or answer.is_late(self._clock.now()):
                continue
            with suppress(BrokerAwayError):  # it may have arrived, and is to be told once
                event = {"event_type": answer.result, **answer.as_event()}
                await self._publisher.answer(answer.serial, event)

    async def _renew(self) -> NoReturn:
        """Renew the envelopes of switches that are on, as long as nothing else took their place."""
        while True:
            now = self._clock.now()
            for serial, kept in list(self._kept.items()):
                if kept.until is None or kept.due is None or now < kept.due:
                    continue
                if any(one.is_limit and one.end == kept.until for one in self._running(serial)):
                    self._kept[serial] = replace(kept, due=now + _AGAIN)
                    self._limit(serial)
                else:
                    del self._kept[serial]
            self._changed.clear()
            dues = [(one.due - now).total_seconds() for one in self._kept.values() if one.due]
            await wait(self._clock, max(0.0, min([_LONGEST_SLEEP, *dues])), self._changed)


def _decoded(payload: str) -> object:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        raise RefusedError('The message is not JSON, such as {"action": "auto"}.') from None
