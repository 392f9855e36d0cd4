"""Chooses how to show values: as states over REST, or as devices over MQTT."""

from collections.abc import Callable

from ..clock import Clock
from ..core import Broker, BrokerAddress, HomeAssistant
from ..options import Options
from ..problems import Problems
from .delivery import Delivery
from .entity_ids import EntityIds
from .mqtt import WILL, MqttPublisher
from .publisher import Way
from .states import StatePublisher
from .withdrawal import Withdrawal


def publisher(
    options: Options,
    home_assistant: HomeAssistant,
    clock: Clock,
    problems: Problems,
    delivery: Delivery,
    on_secret: Callable[[str], None],
) -> Way:
    """Return the publisher that the option Devices asks for.

    If that was the other one before, it takes over. `on_secret` is called with the password of the
    Supervisor's broker, to keep it out of the log.
    """

    async def find() -> BrokerAddress:
        """Return the user's own broker, or else the Supervisor's."""
        own = options.mqtt
        if own.host:
            return BrokerAddress(own.host, own.port, own.username, own.password, own.tls)
        found = await home_assistant.supervisor.broker()
        on_secret(found.password)
        return found

    ids = EntityIds(home_assistant, clock)
    broker = Broker(find, clock, problems, WILL if options.devices else None)
    if options.devices:
        return MqttPublisher(home_assistant, broker, ids, clock, problems, delivery)
    withdrawal = Withdrawal(broker, home_assistant.entities, ids, clock)
    return StatePublisher(home_assistant, clock, problems, delivery, ids, withdrawal)
