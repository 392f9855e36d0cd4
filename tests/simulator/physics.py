"""The physical day of one plant: sun, clouds, household and battery, minute by minute.

Power is a whole number of watts and constant within each minute, so that energy, in whole
joules, is its exact integral and every balance closes without a rounding error. A day follows
from the plant's seed, the date and the state at midnight alone; the states at midnight are kept,
so any minute since commissioning can be had in any order, with the same result each time.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from itertools import accumulate, pairwise
from random import Random
from typing import NamedTuple

from .chance import dice
from .families import Family

LOCAL = timezone(timedelta(hours=10), "AEST")
LATITUDE = math.radians(-27.5)
MINUTES = 24 * 60
DAY_SECONDS = 24 * 60 * 60

# A battery keeps 19/20 of what goes in and gives 19/20 of what it loses. Counted in 380ths of a
# watt-minute both ways are whole numbers: 380 * 19/20 in, 380 * 20/19 out.
LEVEL_PER_WATT_HOUR = 60 * 380
LEVEL_IN = 361
LEVEL_OUT = 400

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_SOLAR_NOON = 11 * 60 + 48
_SUN_ANGLE = [math.cos(2 * math.pi * (m - _SOLAR_NOON) / MINUTES) for m in range(MINUTES)]
_KEPT_DAYS = 6


def _bump(centre: float, width: float) -> list[float]:
    """Return a bell of height 1 around `centre` (minutes of the local day)."""
    return [math.exp(-(((m - centre) / width) ** 2)) for m in range(MINUTES)]


_MORNING = _bump(7.2 * 60, 70)
_EVENING = _bump(18.8 * 60, 110)


class Order(NamedTuple):
    """A plant's orders for some minutes; Unix seconds, at the edges of minutes."""

    start: int
    end: int
    mode: str
    watts: int


AUTO = Order(0, 0, "Auto", 0)


class Energy(NamedTuple):
    """Lifetime energy in joules, one figure for each counter of the API."""

    pv: int = 0
    exported: int = 0
    imported: int = 0
    load: int = 0
    charged: int = 0
    discharged: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """A plant at one second: power in W (battery: discharge, grid: import positive), J, 0..1."""

    pv_w: int
    load_w: int
    battery_w: int
    grid_w: int
    energy: Energy
    soc: float | None


class Midnight(NamedTuple):
    """What one day hands on to the next: battery level (380ths of a watt-minute) and energy."""

    level: int
    energy: Energy


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: a column of 1440 minutes for each power, and of 1441 edges for energy."""

    pv: Sequence[int]
    load: Sequence[int]
    battery: Sequence[int]
    levels: Sequence[int]
    energies: tuple[Sequence[int], ...]

    @property
    def end(self) -> Midnight:
        """The state at the end of the day."""
        return Midnight(self.levels[-1], Energy(*(column[-1] for column in self.energies)))

    def at(self, second: int, full: int) -> Moment:
        """Return the plant `second` seconds after local midnight; `full` is the full level."""
        minute, part = divmod(second, 60)
        pv, load, battery = self.pv[minute], self.load[minute], self.battery[minute]
        rates = _rates(pv, load, battery)
        before = (column[minute] for column in self.energies)
        energy = Energy(*(start + rate * part for start, rate in zip(before, rates, strict=True)))
        level = self.levels[minute] + (self.levels[minute + 1] - self.levels[minute]) * part / 60
        return Moment(
            pv_w=pv,
            load_w=load,
            battery_w=battery,
            grid_w=load - pv - battery,
            energy=energy,
            soc=level / full if full else None,
        )


def _rates(pv: int, load: int, battery: int) -> Energy:
    """Return the growth of each counter in J/s, which is W."""
    grid = load - pv - battery
    return Energy(pv, max(-grid, 0), max(grid, 0), load, max(-battery, 0), max(battery, 0))


class Plant:
    """Panels, inverter, battery and household of one inverter since its commissioning.

    The counters began at 0 at that local date's midnight. The same seed makes the same days.
    """

    def __init__(
        self, family: Family, seed: str, commissioned: date, zone: timezone = LOCAL
    ) -> None:
        self.family = family
        self.seed = seed
        self.commissioned = commissioned
        bank = family.battery
        self.full_level = bank.capacity_wh * LEVEL_PER_WATT_HOUR if bank else 0
        self._first = commissioned.toordinal() - _EPOCH_DAY
        self._ahead_s = int(zone.utcoffset(None).total_seconds())
        self._midnights = [Midnight(self.full_level // 2, Energy())]
        self._days: OrderedDict[int, Day] = OrderedDict()
        self._orders: Sequence[Order] = ()
        self._caps: Sequence[Order] = ()
        self._is_first_alone = False

    def obey(self, orders: Sequence[Order], since: float) -> None:
        """Take other orders, of which the first one counts; nothing before `since` changes."""
        self._orders = orders
        self._simulate_again(since)

    def cap_export(
        self, caps: Sequence[Order], since: float, *, is_first_alone: bool = False
    ) -> None:
        """Take other limits of the export; nothing before `since` changes.

        Of several at the same time the lowest counts, or the first one alone.
        """
        self._caps, self._is_first_alone = caps, is_first_alone
        self._simulate_again(since)

    def _simulate_again(self, since: float) -> None:
        index = max((int(since) + self._ahead_s) // DAY_SECONDS - self._first, 0)
        del self._midnights[index + 1 :]
        for later in [day for day in self._days if day >= index]:
            del self._days[later]

    def order(self, when: int) -> Order:
        """Return its orders at a moment."""
        return next((one for one in self._orders if one.start <= when < one.end), AUTO)

    def _cap(self, caps: Sequence[Order], when: int) -> int:
        """Return how much these limits let be exported at a moment, W."""
        watts = [one.watts for one in caps if one.start <= when < one.end]
        return min([self.family.export_limit_w, *watts[: 1 if self._is_first_alone else None]])

    def at(self, when: int) -> Moment | None:
        """Return the plant at `when` (Unix seconds), or None before its commissioning."""
        number, second = divmod(when + self._ahead_s, DAY_SECONDS)
        index = number - self._first
        return self.day(index).at(second, self.full_level) if index >= 0 else None

    def day(self, index: int) -> Day:
        """Return the local day `index` days after commissioning, simulating it when needed."""
        while len(self._midnights) <= index:
            self._midnights.append(self._simulate(len(self._midnights) - 1).end)
        if index not in self._days:
            self._days[index] = self._simulate(index)
            if len(self._days) > _KEPT_DAYS:
                self._days.popitem(last=False)
        self._days.move_to_end(index)
        return self._days[index]

    def _simulate(self, index: int) -> Day:
        if index in self._days:
            return self._days[index]
        today = self.commissioned + timedelta(days=index)
        sun = sunshine(self.family, dice(f"{self.seed} sun {today}"), today)
        need = household(self.family, dice(f"{self.seed} household {today}"))
        midnight = (self._first + index) * DAY_SECONDS - self._ahead_s
        orders: dict[int, Order] = {}
        # The first one counts, so it is filled in last.
        for one in reversed(self._orders):
            first, after = (-((midnight - at) // 60) for at in (one.start, one.end))
            orders.update(dict.fromkeys(range(max(first, 0), min(after, MINUTES)), one))
        caps: dict[int, int] = {}
        if todays := [one for one in self._caps if one.end > midnight]:
            caps = {minute: self._cap(todays, midnight + 60 * minute) for minute in range(MINUTES)}
        return run_day(self.family, self._midnights[index], sun, need, orders, caps)


def sunshine(family: Family, chance: Random, today: date) -> list[int]:
    """Return the power in W that the panels offer in each minute of a local day."""
    declination = math.radians(-23.44) * math.cos(2 * math.pi * (_day_of_year(today) + 10) / 365.25)
    offset = math.sin(LATITUDE) * math.sin(declination)
    swing = math.cos(LATITUDE) * math.cos(declination)
    clear = 1.02 * family.panels_w
    sky = clouds(chance)
    heights = (offset + swing * angle for angle in _SUN_ANGLE)
    return [
        min(int(clear * height**1.15 * light), family.rating_w) if height > 0 else 0
        for height, light in zip(heights, sky, strict=True)
    ]


def _day_of_year(today: date) -> int:
    return today.timetuple().tm_yday


def clouds(chance: Random) -> list[float]:
    """Return the light that reaches the ground, 0..1 for each minute: slow cover, fast shreds."""
    fair = chance.betavariate(3.5, 1.2)
    knots = [min(1.0, max(0.08, chance.gauss(fair, 0.15))) for _ in range(25)]
    sky = [
        left + (right - left) * step / 60 for left, right in pairwise(knots) for step in range(60)
    ]
    for _ in range(int(60 * (1.05 - fair))):
        start, length = chance.randrange(MINUTES), chance.randint(1, 12)
        dim = chance.uniform(0.3, 0.8)
        sky[start : start + length] = [light * dim for light in sky[start : start + length]]
    return sky


def household(family: Family, chance: Random) -> list[int]:
    """Return the load in W of each minute: a base, two peaks, and appliances that come and go."""
    size = family.household
    base, morning, evening = (
        size * chance.uniform(low, high) for low, high in ((180, 320), (400, 900), (800, 1600))
    )
    toss = chance.random
    need = [
        int(base + morning * early + evening * late + 60 * toss())
        for early, late in zip(_MORNING, _EVENING, strict=True)
    ]
    for _ in range(chance.randint(6, 14)):
        start, length = chance.randrange(5 * 60, 23 * 60), chance.randint(2, 50)
        watts = int(size * chance.choice((400, 900, 1500, 2200)))
        need[start : start + length] = [load + watts for load in need[start : start + length]]
    return need


def run_day(
    family: Family,
    morning: Midnight,
    sun: Sequence[int],
    need: Sequence[int],
    orders: Mapping[int, Order],
    caps: Mapping[int, int],
) -> Day:
    """Run one day, with orders and limits of the export by minute; without an order it is Auto.

    In Auto, panels feed the load, then the battery, then the grid. What neither load, battery nor
    the site's export limit takes is not generated at all. No order makes more of the battery than
    it can do, or exports more than the site may.
    """
    bank = family.battery
    full = bank.capacity_wh * LEVEL_PER_WATT_HOUR if bank else 0
    floor = round(full * bank.min_soc) if bank else 0
    charge_limit = bank.max_charge_w if bank else 0
    discharge_limit = bank.max_discharge_w if bank else 0
    level = morning.level
    used, battery, levels = [], [], [level]
    for minute, (offered, load) in enumerate(zip(sun, need, strict=True)):
        cap = caps.get(minute, family.export_limit_w)
        room = min(charge_limit, (full - level) // LEVEL_IN)
        spare = family.rating_w - offered
        give = min(discharge_limit, spare, (level - floor) // LEVEL_OUT, load + cap)
        power = max(-room, min(_wanted(orders.get(minute, AUTO), load - offered), give))
        level -= power * (LEVEL_IN if power < 0 else LEVEL_OUT)
        used.append(min(offered, load - power + cap))
        battery.append(power)
        levels.append(level)
    return Day(used, need, battery, levels, _energies(morning.energy, used, need, battery))


def _wanted(order: Order, lack: int) -> int:
    """Return what a battery is to give, W, where the load is so much more than the panels offer."""
    match order.mode:
        case "ChargeBattery":
            return -order.watts
        case "DischargeBattery":
            return order.watts
        case "ImportPower":
            return lack - order.watts
        case "ExportPower":
            return lack + order.watts
        case "Conserve":
            return min(lack, 0)
    return lack


def _energies(
    start: Energy, pv: Sequence[int], load: Sequence[int], battery: Sequence[int]
) -> tuple[Sequence[int], ...]:
    """Return each counter at the 1441 edges of the day's minutes, in J."""
    grid = [need - sun - cell for need, sun, cell in zip(load, pv, battery, strict=True)]
    columns: tuple[Iterable[int], ...] = (
        pv,
        (max(0, -watts) for watts in grid),
        (max(0, watts) for watts in grid),
        load,
        (max(0, -watts) for watts in battery),
        (max(0, watts) for watts in battery),
    )
    return tuple(
        list(accumulate((watts * 60 for watts in column), initial=first))
        for first, column in zip(start, columns, strict=True)
    )
