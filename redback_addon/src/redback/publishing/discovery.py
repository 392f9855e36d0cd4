"""The message that makes an inverter a device of Home Assistant's MQTT integration."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from ..sensors.details import Details
from ..sensors.labels import label
from ..sensors.table import Sensor, find
from .components import BINARY_SENSORS, EVENT, Component
from .device import Device
from .entity_ids import unique_id
from .publisher import LAST_RESET

ONLINE, OFFLINE = "online", "offline"
ON, OFF = "ON", "OFF"
_BASE = "redback"
STATUS_TOPIC = f"{_BASE}/status"
_MANUFACTURER = "Redback Technologies"
# Core rounds what it shows to this many digits; the values themselves keep all of theirs.
_MOST_DIGITS = 2
_COMMAND = "set"
# The commands of all devices, for a subscription.
COMMANDS = f"{_BASE}/+/+/{_COMMAND}"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device, by the serial number that it is known by."""

    identity: str

    @property
    def config(self) -> str:
        """Where Core's MQTT integration looks for it."""
        return f"homeassistant/device/{_BASE}_{self.identity}/config"

    @property
    def state(self) -> str:
        """All its values, as one JSON object by key."""
        return f"{_BASE}/{self.identity}/state"

    @property
    def status(self) -> str:
        """Whether anything of it is known."""
        return f"{_BASE}/{self.identity}/status"

    @property
    def live(self) -> str:
        """Whether what it measures is known for the present."""
        return f"{_BASE}/{self.identity}/live"

    @property
    def controls(self) -> str:
        """What the entities that take commands show, as one JSON object by key."""
        return f"{_BASE}/{self.identity}/controls"

    @property
    def answer(self) -> str:
        """What became of each command; never retained."""
        return f"{_BASE}/{self.identity}/answer"

    def command(self, key: str) -> str:
        """Return where Core sends what people do with an entity."""
        return f"{_BASE}/{self.identity}/{key}/{_COMMAND}"

    def __iter__(self) -> Iterator[str]:
        """Yield all on which something is retained."""
        yield from (self.config, self.state, self.controls, self.live, self.status)


def commanded(topic: str) -> tuple[str, str] | None:
    """Return the identity and the key that a command is for; None if the topic is none of ours."""
    match topic.split("/"):
        case [base, identity, key, last] if (base, last) == (_BASE, _COMMAND):
            return identity, key
    return None


def discovery(
    device: Device,
    identity: str,
    details: Details,
    entity_ids: Mapping[str, str],
    *,
    gone: Mapping[str, str],
    others: Mapping[str, Component],
    options: Mapping[str, Sequence[str]],
    url: str | None,
) -> dict[str, object]:
    """Return the discovery message of a device.

    Args:
        device: the inverter.
        identity: by which the device is known.
        details: what is known of it.
        entity_ids: the id that each of its entities is to get, by key; Core keeps those it has.
        gone: the kinds of the entities that are to be removed, by key.
        others: those that are no sensors, by key.
        options: what sensors may show besides the options of the sensor table, by key.
        url: where the device's page links to.
    """
    topics = Topics(identity)
    components: dict[str, dict[str, Any]] = {
        key: _component(identity, topics, key, one, others.get(key))
        for key, one in entity_ids.items()
    }
    for key, more in options.items():
        if (component := components.get(key)) is not None:
            component["ops"] = [*component["ops"], *more]
    components |= {key: {"p": kind} for key, kind in gone.items() if key not in entity_ids}
    return {
        "dev": _device(device, identity, details, url),
        "o": {"name": "Redback", "sw": version("redback")},
        "avty": _availability(STATUS_TOPIC, topics.status),
        "avty_mode": "all",
        "stat_t": topics.state,
        "cmps": components,
    }


def _device(device: Device, identity: str, details: Details, url: str | None) -> dict[str, object]:
    static = details.static
    described: dict[str, object] = {
        "ids": [f"{_BASE}_{identity}"],
        "name": device.name,
        "mf": _MANUFACTURER,
        "sn": device.serial,
        "mdl": static and static.model,
        "sw": static and static.software_version,
        "hw": static and static.firmware_version,
        "cu": url,
    }
    return {key: value for key, value in described.items() if value is not None}


def _component(
    identity: str, topics: Topics, key: str, entity_id: str, other: Component | None
) -> dict[str, Any]:
    kind, _, object_id = entity_id.partition(".")
    component: dict[str, Any] = {
        "p": kind,
        "uniq_id": unique_id(identity, key),
        "name": label(key) if other is None else other.name,
        # The second is for a Core before 2025.10, which ignores the first.
        "default_entity_id": entity_id,
        "object_id": object_id,
    }
    if other is not None:
        return component | _of_other(other, topics, key)
    component["val_tpl"] = _template(key)
    if key in BINARY_SENSORS:
        return component | {"dev_cla": BINARY_SENSORS[key]}
    sensor = find(key)
    return component if sensor is None else component | _of_sensor(sensor, topics)


def _of_sensor(sensor: Sensor, topics: Topics) -> dict[str, object]:
    quantity = sensor.quantity
    described: dict[str, object] = {
        "unit_of_meas": quantity.unit,
        "dev_cla": quantity.device_class,
        "stat_cla": quantity.state_class,
        "ops": quantity.options and list(quantity.options),
        "sug_dsp_prc": None if quantity.digits is None else min(quantity.digits, _MOST_DIGITS),
        "ent_cat": "diagnostic" if sensor.fact and sensor.detailed else None,
    }
    if quantity.is_of_today:
        described["lrst_val_tpl"] = _template(LAST_RESET)
    if sensor.lapses:
        described["avty"] = _availability(STATUS_TOPIC, topics.status, topics.live)
    return {key: value for key, value in described.items() if value is not None}


def _of_other(one: Component, topics: Topics, key: str) -> dict[str, object]:
    described = dict(one.described)
    if one.takes_commands:
        described["cmd_t"] = topics.command(key)
    if one.platform == EVENT:
        described["stat_t"] = topics.answer
    elif one.has_value:
        described["stat_t"] = topics.controls
        described["val_tpl"] = _template(key)
    return described


def _template(key: str) -> str:
    """Return how Core gets a value; one that a message does not have stays what it was."""
    return f"{{{{ value_json.{key} | default('') }}}}"


def _availability(*topics: str) -> list[dict[str, str]]:
    return [{"t": topic} for topic in topics]
