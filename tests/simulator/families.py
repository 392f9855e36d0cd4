"""The families of inverters that the simulated world can hold (dossier section 5)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatteryBank:
    """A battery: power limits in W at its terminals, capacity in Wh, states of charge 0..1."""

    modules: int
    cabinets: int
    capacity_wh: int
    max_charge_w: int
    max_discharge_w: int
    min_soc: float
    min_offgrid_soc: float
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """What inverters of one kind have in common: power in W, panels in W for each string."""

    model: str
    phases: str
    rating_w: int
    export_limit_w: int
    strings_w: tuple[int, ...]
    household: float
    system_type: str | None
    battery: BatteryBank | None

    @property
    def panels_w(self) -> int:
        """The size of all strings together, in W."""
        return sum(self.strings_w)


ST = Family(
    model="ST10000",
    phases="ABC",
    rating_w=10_000,
    export_limit_w=5_000,
    strings_w=(5_000, 4_900),
    household=1.6,
    system_type="Hybrid",
    battery=BatteryBank(
        modules=4,
        cabinets=1,
        capacity_wh=14_200,
        max_charge_w=10_000,
        max_discharge_w=10_000,
        min_soc=0.2,
        min_offgrid_soc=0.1,
        models=("RB600", "Unknown", "Unknown", "Unknown"),
    ),
)

# One model more than modules: the two lists are parallel, but nobody promises equal length.
SH = Family(
    model="SH5000",
    phases="A",
    rating_w=5_000,
    export_limit_w=5_000,
    strings_w=(3_300, 2_200),
    household=1.0,
    system_type="Hybrid",
    battery=BatteryBank(
        modules=2,
        cabinets=2,
        capacity_wh=7_100,
        max_charge_w=2_500,
        max_discharge_w=3_000,
        min_soc=0.1,
        min_offgrid_soc=0.1,
        models=("RB600", "RB600", "Unknown"),
    ),
)

SI = Family(
    model="SI5000",
    phases="A",
    rating_w=5_000,
    export_limit_w=5_000,
    strings_w=(3_300, 3_000),
    household=0.9,
    system_type=None,
    battery=None,
)

HYBRID = Family(
    model="SH5000",
    phases="A",
    rating_w=5_000,
    export_limit_w=5_000,
    strings_w=(4_400,),
    household=1.1,
    system_type="Hybrid",
    battery=None,
)
