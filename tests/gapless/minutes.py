"""What each entity should have shown, minute by minute, from the inverter's own records."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from house import CREDENTIAL, House
from redback.cloud import (
    Credentials,
    Hosts,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    Transport,
)
from redback.cloud.decoding import Decoder
from redback.inverters import inverter as inverter_module
from redback.publishing.entity_ids import entity_id
from redback.publishing.entity_ids import series as series_of
from redback.sensors.details import Details
from redback.sensors.entities import Entities
from simulator import CLIENT_ID
from simulator.world import Inverter

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Minutes:
    """One inverter's.

    Attributes:
        home: where the simulated inverter is.
        inverter: the inverter.
        read: the same inverter as the service has it.
    """

    home: House
    inverter: Inverter
    read: inverter_module.Inverter

    def measurements(self) -> tuple[str, ...]:
        """Return the ids of all entities whose mean is kept."""
        return tuple(one.entity_id for one in series_of(self.read).values() if not one.is_counter)

    def of_hour(self, start: datetime) -> Mapping[str, list[tuple[float, float]]]:
        """Return what each entity with statistics showed in an hour, and for how many seconds.

        The first value is of the hour before: it is still shown until the next record.
        """
        shown: dict[str, list[tuple[float, float]]] = {}
        for moment in self._stamps(start):
            since = max(moment, start)
            seconds = (min(moment + _MINUTE, start + _HOUR) - since).total_seconds()
            record = self.home.simulator.truth(self.inverter.serial, moment.timestamp())
            dynamic = Decoder().dynamic(record)
            assert dynamic is not None
            reading = self.read.reading(dynamic)
            self.read.entities.show(reading)  # so that those exist of which it is the first
            for key, value in self.read.entities.numbers(reading):
                if value is not None and seconds > 0:
                    shown.setdefault(entity_id(self.read.name, key), []).append((value, seconds))
        return shown

    def _stamps(self, start: datetime) -> Iterator[datetime]:
        moment = start + timedelta(seconds=self.inverter.second) - _MINUTE
        while moment < start + _HOUR:
            yield moment
            moment += _MINUTE


async def minutes(home: House, inverter: Inverter, name: str) -> Minutes:
    """Learn from the cloud what the service learns of an inverter."""
    return await asyncio.to_thread(_minutes, home, inverter, name)


def _minutes(home: House, inverter: Inverter, name: str) -> Minutes:
    holder, serial = RememberedHolder(), inverter.serial
    hosts = Hosts(home.simulator.url, home.simulator.url)
    with Transport() as transport:
        tokens = TokenSource(transport, Credentials(CLIENT_ID, CREDENTIAL), holder, hosts)
        client = RedbackClient(transport, tokens, holder)
        static = client.static(serial)
        configuration = client.configurations([serial])[serial]
    assert not isinstance(configuration, Exception)
    entities = Entities(detailed=False)
    return Minutes(
        home,
        inverter,
        inverter_module.Inverter(serial, name, entities, Details(static, configuration)),
    )
