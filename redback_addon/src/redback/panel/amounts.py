"""The energies that all counters of some time have, and the two shares that follow from them."""

from collections.abc import Mapping

import msgspec

from ..sensors.counters import EXPORT, IMPORT, LOAD, SOLAR, CounterRow


class Amounts(msgspec.Struct, frozen=True):
    """What was counted; kWh and percent, None = unknown.

    Attributes:
        self_consumption: the share of the solar energy that was used at home.
        self_sufficiency: the share of the house's energy that did not come from the grid.
    """

    solar_kwh: float | None = None
    load_kwh: float | None = None
    import_kwh: float | None = None
    export_kwh: float | None = None
    charge_kwh: float | None = None
    discharge_kwh: float | None = None
    self_consumption: float | None = None
    self_sufficiency: float | None = None


def amounts(counted: Mapping[CounterRow, float | None]) -> dict[str, float | None]:
    """Return the fields of `Amounts`; `counted` has all counters, kWh."""
    return {
        **{f"{row.day}_kwh": rounded(kwh) for row, kwh in counted.items()},
        "self_consumption": _share(counted[SOLAR], counted[EXPORT]),
        "self_sufficiency": _share(counted[LOAD], counted[IMPORT]),
    }


def rounded(value: float | None) -> float | None:
    """Return a power to the watt, or an energy to the watt-hour; never -0.0."""
    return None if value is None else round(value, 3) + 0.0


def _share(whole: float | None, other: float | None) -> float | None:
    """Return the share of the whole that is not the other part, percent."""
    if not whole or other is None:
        return None
    return round(min(max((whole - other) / whole, 0.0), 1.0) * 100, 1)
