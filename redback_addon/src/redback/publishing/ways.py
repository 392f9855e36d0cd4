"""Chooses how to show values: as states over REST, or as devices over MQTT."""

from pathlib import Path

from ..clock import Clock
from ..core import Broker, BrokerAddress, HomeAssistant
from ..options import Options, authority
from ..problems import Kind, Problems
from .delivery import Delivery
from .entity_ids import EntityIds
from .identities import Identities
from .mqtt import WILL, MqttPublisher
from .publisher import Way
from .states import StatePublisher
from .withdrawal import Withdrawal

# On the way back. A broker that is gone may be why devices are not wanted any more.
_TOLD = (Kind.BROKER_REFUSED, Kind.BROKER_UNTRUSTED)


def publisher(
    options: Options,
    data: Path,
    home_assistant: HomeAssistant,
    clock: Clock,
    problems: Problems,
    delivery: Delivery,
) -> Way:
    """Return the publisher that the option Devices asks for.

    If that was the other one before, it takes over. What it must know for that is in a file in the
    folder `data`.
    """

    async def find() -> BrokerAddress:
        """Return the user's own broker, or else the Supervisor's."""
        own = options.mqtt
        if own.host:
            trusted = authority(own.certificate)
            return BrokerAddress(own.host, own.port, own.username, own.password, own.tls, trusted)
        return await home_assistant.supervisor.broker()

    ids = EntityIds(home_assistant, Identities(data), clock)
    if options.devices:
        broker = Broker(find, clock, problems, WILL)
        return MqttPublisher(home_assistant, broker, ids, clock, problems, delivery)
    broker = Broker(find, clock, problems, told=_TOLD)
    withdrawal = Withdrawal(broker, home_assistant.entities, ids, clock)
    return StatePublisher(home_assistant, clock, problems, delivery, ids, withdrawal)
