"""Inverters that were read, as the service would have them, and their entities in a Core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec

import examples
from house import until
from redback.core import Row, Series, State, Statistics, WebSocket
from redback.inverters.inverter import Inverter
from redback.inverters.registry import Registry
from redback.publishing.entity_ids import series as series_of
from redback.publishing.ownership import Ownership
from redback.publishing.states import state
from redback.sensors.details import Details
from redback.sensors.entities import Entities
from renamed import ids_with
from standin.client import Client

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Shown:
    """One that has been read, with what its entities show."""

    inverter: Inverter
    states: Sequence[State]


def inverter(
    name: str = "House",
    site: str = "S2026030100001",
    *,
    usable_capacity: float = 12.78,
    **changes: None,
) -> Shown:
    """Make one with a battery; `changes` are of the answer that says what it does."""
    dynamic = examples.decoded(examples.payload("three_phase_battery") | changes)
    has_battery = dynamic.battery_soc_0_to_1 is not None
    static = msgspec.structs.replace(
        examples.static(), site_id=site, battery_count=4 if has_battery else 0
    )
    configuration = msgspec.structs.replace(
        examples.configuration(), usable_battery_capacity_kwh=usable_capacity
    )
    made = Inverter(
        examples.SERIAL,
        name,
        Entities(detailed=False),
        Details(static, configuration if has_battery else None),
    )
    shown = made.entities.show(made.reading(dynamic))
    return Shown(made, [state(name, one) for one in shown])


def without_battery(name: str = "House") -> Shown:
    return inverter(
        name,
        BatterySoCInstantaneous0to1=None,
        BatteryPowerNegativeIsChargingkW=None,
        BatteryChargeAllTimeEnergykWh=None,
        BatteryDischargeAllTimeEnergykWh=None,
        Battery=None,
    )


class ReadInverters:
    """A registry of these inverters, and of others that have not been read yet."""

    def __init__(self, *inverters: Shown, others: Sequence[str] = ()) -> None:
        self._inverters = [each.inverter for each in inverters]
        self._others = others

    def inverters(self) -> list[Inverter]:
        return self._inverters

    def sorted_names(self) -> list[str]:
        return [*(each.name for each in self._inverters), *self._others]


def registry(*inverters: Shown, others: Sequence[str] = ()) -> Registry:
    """Make a registry of these inverters, and of others that have not been read yet."""
    return cast("Registry", ReadInverters(*inverters, others=others))


class Owners:
    """Why some entities are not ours, by their ids, and which ids people have changed."""

    def __init__(self, reasons: Mapping[str, str], changes: Mapping[str, str | None]) -> None:
        self.why_not = reasons.get
        self.ids = ids_with(changes)


def ownership(reasons: Mapping[str, str] = {}, changes: Mapping[str, str | None] = {}) -> Ownership:
    """Make the knowledge of which entities are not ours, and which have other ids.

    By default all are ours and have their first ids; `changes` are as those of `ids_with`.
    """
    return cast("Ownership", Owners(reasons, changes))


async def show(inverter: Shown, client: Client) -> None:
    """Let a Core have its states."""
    for one in inverter.states:
        answer = await client.push(one.entity_id, one.value, dict(one.attributes))
        assert answer.status in (200, 201)


async def compile_statistics(inverter: Shown, websocket: WebSocket) -> None:
    """Let a Core have an hour of its statistics, as it makes them of states by itself."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 2 * HOUR

    def row(series: Series) -> Row:
        if series.is_counter:
            return Row(start, state=1, sum=1)
        return Row(start, mean=1, min=1, max=1)

    every = {series: [row(series)] for series in series_of(inverter.inverter).values()}
    statistics = Statistics(websocket)
    assert not await statistics.put(every)

    async def is_written() -> bool:
        wanted = [series.entity_id for series in every]
        return all((await statistics.rows(wanted, start, start + HOUR)).values())

    await until(is_written)
