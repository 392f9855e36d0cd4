"""The metadata of a statistic: as Core stores it, and as an import to each version states it."""

from dataclasses import dataclass

import msgspec

from .versions import is_since

# Since then an import states mean_type and unit_class; before, it must state has_mean instead.
_MEAN_TYPES_SINCE = (2025, 11)
_NO_MEAN, _ARITHMETIC_MEAN = 0, 1
# By unit, as in Core's converters (homeassistant/util/unit_conversion.py). A stored class takes
# precedence, since versions differ: in 2025.11 a frequency has no class.
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
    """A statistic as the add-on has it, by the id and the unit of its entity.

    A counter's rows have a state and a sum, those of others a mean, a min and a max.
    """

    entity_id: str
    unit: str | None
    is_counter: bool


class Stored(msgspec.Struct, frozen=True):
    """Core's answer to recorder/get_statistics_metadata.

    Before anything is stored, it is derived from the sensor's state.
    """

    statistic_id: str
    statistics_unit_of_measurement: str | None
    display_unit_of_measurement: str | None
    unit_class: str | None
    has_sum: bool
    mean_type: int
    name: str | None = None

    @property
    def units(self) -> dict[str, str | None]:
        """The units to ask for, so that Core converts nothing to the unit of the state."""
        stored = self.statistics_unit_of_measurement
        unit_class = self.unit_class
        if unit_class is None and stored != self.display_unit_of_measurement:
            # Core would still convert: without a stored class it goes by the unit.
            unit_class = UNIT_CLASSES.get(stored)
        return {} if unit_class is None else {unit_class: stored}

    def misfit(self, series: Series) -> str | None:
        """Return what an import would change, in words; None = it leaves this as it is.

        Core would take any other unit too, and relabel all existing rows with it.
        """
        unit, imported = self.statistics_unit_of_measurement, _mean_type(series)
        if (unit, self.has_sum, self.mean_type) == (series.unit, series.is_counter, imported):
            return None
        stored = _in_words(unit, is_counter=self.has_sum)
        return f"{stored}, and not {_in_words(series.unit, is_counter=series.is_counter)}"


def metadata(series: Series, known: Stored | None, version: str | None) -> dict[str, object]:
    """Return the metadata for an import.

    What Core has stored of the statistic is repeated unchanged. A version of Core that cannot be
    parsed counts as new.
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
    # Without it Core works the class out, and logs a warning; a wrong class would be stored.
    return described


def _in_words(unit: str | None, *, is_counter: bool) -> str:
    return f"{'a counter' if is_counter else 'a measurement'} in {unit or 'no unit'}"


def _mean_type(series: Series) -> int:
    return _NO_MEAN if series.is_counter else _ARITHMETIC_MEAN
