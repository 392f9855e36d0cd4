"""Chooses how to show values: as states over REST, or as devices over MQTT."""

from collections.abc import Callable
from functools import partial

from ..clock import Clock
from ..core import Broker, BrokerAddress, HomeAssistant, Supervisor
from ..options import Mqtt, Options
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

    If that was another one before, it takes over from it. `on_secret` is called with the broker's
    password, to keep it out of the log.
    """
    ids = EntityIds(home_assistant, clock)
    find = partial(_broker, options.mqtt, home_assistant.supervisor, on_secret)
    if options.devices:
        broker = Broker(find, clock, problems, WILL)
        return MqttPublisher(home_assistant, broker, ids, clock, problems, delivery)
    withdrawal = Withdrawal(Broker(find, clock, problems), home_assistant.entities, ids, clock)
    return StatePublisher(home_assistant, clock, problems, delivery, ids, withdrawal)


async def _broker(
    own: Mqtt, supervisor: Supervisor, on_secret: Callable[[str], None]
) -> BrokerAddress:
    """Return the user's own broker, or else the Supervisor's; raise a BrokerAwayError."""
    if own.host:
        return BrokerAddress(own.host, own.port, own.username, own.password, own.tls)
    found = await supervisor.broker()
    on_secret(found.password)
    return found
