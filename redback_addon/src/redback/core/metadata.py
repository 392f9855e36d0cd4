"""What Core keeps of a statistic beside its rows, and how each version of Core is told of it."""

from dataclasses import dataclass

import msgspec

from .versions import is_since

# Until then an import has to say has_mean, and may not say what it has to say since.
_MEAN_TYPES_SINCE = (2025, 11)
_NO_MEAN, _ARITHMETIC_MEAN = 0, 1
# By unit, as Core's own converters have it (homeassistant/util/unit_conversion.py). Core's own word
# goes first, where it has one, since versions differ: in 2025.11 a frequency has no class.
UNIT_CLASSES = {
    "Wh": "energy",
    "kWh": "energy",
    "MWh": "energy",
    "kW": "power",
    "W": "power",
    "VA": "apparent_power",
    "V": "voltage",
    "A": "electric_current",
    "Hz": "frequency",
    "°C": "temperature",
    "%": "unitless",
    None: "unitless",
}


@dataclass(frozen=True, slots=True)
class Series:
    """What a statistic is.

    Attributes:
        entity_id: of the sensor, which is the statistic's name too.
        unit: of its values, as the sensor's state has it.
        is_counter: whether its rows have a state and a sum; else a mean, a min and a max.
    """

    entity_id: str
    unit: str | None
    is_counter: bool

    @property
    def kind(self) -> str:
        """In words."""
        return _in_words(self.unit, is_counter=self.is_counter)


class Stored(msgspec.Struct, frozen=True):
    """What Core answers to recorder/get_statistics_metadata.

    It is what is stored; before anything is, it is what a sensor's state will lead to.
    """

    statistic_id: str
    statistics_unit_of_measurement: str | None
    display_unit_of_measurement: str | None
    unit_class: str | None
    has_sum: bool
    mean_type: int
    name: str | None = None

    @property
    def kind(self) -> str:
        """In words."""
        return _in_words(self.statistics_unit_of_measurement, is_counter=self.has_sum)

    @property
    def units(self) -> dict[str, str | None]:
        """What Core has to be asked for so that it converts nothing to the unit of the state."""
        stored = self.statistics_unit_of_measurement
        unit_class = self.unit_class
        if unit_class is None and stored != self.display_unit_of_measurement:
            # Core would convert even so: it falls back on the unit, and has a class for it.
            unit_class = UNIT_CLASSES.get(stored)
        return {} if unit_class is None else {unit_class: stored}

    def fits(self, series: Series) -> bool:
        """Whether an import leaves this as it is.

        Core would take any other unit too, and from then on show the rows that it has under it.
        """
        return (self.statistics_unit_of_measurement, self.has_sum, self.mean_type) == (
            series.unit,
            series.is_counter,
            _mean_type(series),
        )


def metadata(series: Series, known: Stored | None, version: str | None) -> dict[str, object]:
    """Make what an import says of its statistic.

    Args:
        series: it.
        known: what Core keeps of it; that is told again as it is.
        version: Core's. One that cannot be read is taken for a new one.
    """
    described: dict[str, object] = {
        "source": "recorder",
        "statistic_id": series.entity_id,
        "name": None if known is None else known.name,
        "unit_of_measurement": series.unit,
        "has_sum": series.is_counter,
    }
    if not is_since(version, _MEAN_TYPES_SINCE):
        return described | {"has_mean": not series.is_counter}
    described["mean_type"] = _mean_type(series)
    if known is not None:
        described["unit_class"] = known.unit_class
    elif series.unit in UNIT_CLASSES:
        described["unit_class"] = UNIT_CLASSES[series.unit]
    # Else Core finds the class by itself, and grumbles; a wrong one would stay with the statistic.
    return described


def _in_words(unit: str | None, *, is_counter: bool) -> str:
    return f"{'a counter' if is_counter else 'a measurement'} in {unit or 'no unit'}"


def _mean_type(series: Series) -> int:
    return _NO_MEAN if series.is_counter else _ARITHMETIC_MEAN
