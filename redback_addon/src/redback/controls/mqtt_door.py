"""Entities over MQTT as a door: people and automations choose there, and see what is so."""

import asyncio
import logging
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

import msgspec

from ..core import BrokerAwayError
from ..inverters.registry import Registry
from ..publishing.components import Component
from ..publishing.mqtt import MqttPublisher
from . import mqtt_entities as entities
from .book import Answer, Own
from .command import LONGEST_TEXT, WITH_POWER, RefusedError
from .controls import Controls
from .limits import find
from .settings import Setting, Settings
from .timeline import Entry

_LOG = logging.getLogger(__name__)
_BY = "mqtt"
_ON, _OFF = "ON", "OFF"
# Before its end an envelope is renewed: so much earlier, or a third of its time.
_AHEAD = timedelta(minutes=5)
_LOOK_SECONDS = 10.0
# By then a command is answered, and what it was to make is in the book, or nothing is made.
_AGAIN_SECONDS = 60.0
_RENEWED_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A switch that is on, whose envelope is renewed.

    Attributes:
        on: when it was switched on last, in monotonic seconds.
        asked: when its envelope was asked for last, in monotonic seconds.
        until: the end of the envelope that was answered last; None = none yet.
    """

    on: float
    asked: float
    until: datetime | None = None


class MqttDoor:
    """Shows what people can do with each inverter, and takes what they do as commands.

    The switch renews its envelope while it is on, and each one has an end of its own. That lasts
    until it is switched off, another command takes its place, or the add-on ends: after a start
    nothing is renewed that nobody has asked for. Nor is it for longer than a day after it was
    switched on, or while nobody could switch it off for longer than an envelope lasts.
    """

    def __init__(
        self,
        controls: Controls,
        publisher: MqttPublisher,
        registry: Registry,
        settings: Settings,
    ) -> None:
        self._controls = controls
        self._publisher = publisher
        self._registry = registry
        self._settings = settings
        self._clock = clock = controls.clock
        self._answers: asyncio.Queue[Answer] = asyncio.Queue()
        self._kept: dict[str, _Kept] = {}  # by serial number
        self._heard = clock.monotonic()  # when people could switch it off last
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
        """Send answers, and renew what is on, until cancelled."""
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
                now = self._clock.monotonic()
                self._kept[serial] = _Kept(on=now, asked=now)
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
        if action in WITH_POWER:
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
            kept = self._kept.get(answer.serial)
            of_switch = (answer.by, answer.id) == (_BY, entities.LIMIT)
            if kept is not None and of_switch and answer.result == "started":
                self._kept[answer.serial] = replace(kept, until=answer.until)

    async def _tell(self) -> NoReturn:
        while True:
            answer = await self._answers.get()
            await self._publisher.broker.ready()
            if answer.serial is None or answer.is_late(self._clock.now()):
                continue
            with suppress(BrokerAwayError):  # it may have arrived, and must be sent once only
                event = {"event_type": answer.result, **answer.as_event()}
                await self._publisher.answer(answer.serial, event)

    async def _renew(self) -> NoReturn:
        """Renew the envelopes of switches that are on, as long as nothing else took their place."""
        while True:
            if self._publisher.is_heard:
                self._heard = self._clock.monotonic()
            for serial, kept in list(self._kept.items()):
                self._look(serial, kept)
            await self._clock.sleep(_LOOK_SECONDS)

    def _look(self, serial: str, kept: _Kept) -> None:
        """Renew the envelope of a switch that is on if it is time, or let it end by itself."""
        now = self._clock.monotonic()
        if now - kept.asked < _AGAIN_SECONDS:
            return
        ours = self._switched(serial, kept)
        if not ours:
            del self._kept[serial]
        elif now - kept.on >= _RENEWED_FOR.total_seconds():
            name = self._registry.names[serial].name if serial in self._registry.names else serial
            _LOG.info("%s: The export limit was switched on a day ago, and is left to end.", name)
            del self._kept[serial]
        elif all(one.is_made for one in ours):  # or else it may have been renewed
            last = max(ours, key=lambda one: one.end)
            lasts = last.end - last.start
            is_heard = now - self._heard <= lasts.total_seconds()
            if is_heard and last.end - self._clock.now() <= min(_AHEAD, lasts / 3):
                self._kept[serial] = replace(kept, asked=now)
                self._limit(serial)

    def _switched(self, serial: str, kept: _Kept) -> list[Own]:
        """Return the envelopes that a switch has made, or found there, made for sure or not."""
        limits = (one for one in self._controls.own(serial) if one.action == "limit_export")
        return [
            one
            for one in limits
            if (one.by, one.id) == (_BY, entities.LIMIT) or one.end == kept.until
        ]


def _decoded(payload: str) -> object:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        raise RefusedError('The message is not JSON, such as {"action": "auto"}.') from None
