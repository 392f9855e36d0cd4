"""Who and what exists in the simulated world: accounts, their sites and the sites' inverters.

    world = build_world(["st", "two-sites"])
    world.account.sites[0].inverters[0].serial

Ids are numbered through, so that the same arguments make the same world again.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

from . import families
from .chance import dice
from .families import Family
from .faults import Faults
from .physics import LOCAL, Plant

Accepts = Literal["new", "old", "both"]
Overlap = Literal["last wins", "first wins", "refused"]
LimitOverlap = Literal["lowest wins", "last wins", "first wins", "refused"]

CLIENT_ID = "simulated-client"
CREDENTIAL = "simulated+credential/with=signs&more"
SECOND_CLIENT_ID = "second-simulated-client"
SECOND_CREDENTIAL = "second+simulated/credential=&"
COMMISSIONED_DAYS = 40

PRESETS: dict[str, tuple[tuple[Family, ...], ...]] = {
    "st": ((families.ST,),),
    "sh": ((families.SH,),),
    "si": ((families.SI,),),
    "hybrid": ((families.HYBRID,),),
    "two-sites": ((families.ST,), (families.SH,)),
    "two-inverters": ((families.SH, families.SI),),
}
FLEET = "fleet"
_FLEET_FAMILIES = (families.ST, families.SH, families.SI, families.HYBRID)
_FLEET_PROFILES = 4 * len(_FLEET_FAMILIES)


@dataclass(frozen=True, slots=True, eq=False)
class Inverter:
    """One inverter and the rhythm in which its records reach the cloud.

    It records at a second of the minute. The cloud shows that `latency` seconds later, and up to
    `jitter` more.
    """

    serial: str
    plant: Plant
    second: int
    latency: float
    jitter: float

    @property
    def family(self) -> Family:
        """What kind it is."""
        return self.plant.family

    def visible_at(self, stamp: int) -> float:
        """Return the Unix time from which the cloud shows the record of `stamp`."""
        late = self.jitter * dice(f"{self.serial} late {stamp}").random() if self.jitter else 0.0
        return stamp + self.latency + late


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One site: its ids, its inverters, and one that may be installed later (a fault)."""

    site_id: str
    nmi: str | None
    inverters: tuple[Inverter, ...]
    spare: Inverter


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """One customer of the API: what identifies them and what they can see."""

    client_id: str
    credential: str
    accepts: Accepts
    sites: tuple[Site, ...]


class World:
    """Everything that exists, and what is wrong with it; the same seed makes the same days.

    All counters began at the midnight of the local date `commissioned`, `COMMISSIONED_DAYS` before
    today if that is None. A record is visible after `latency` seconds; None means 4 to 12 for each
    inverter, and up to 2 more for each record. Whether v2.21 has a past too is not known (dossier
    3.4). The sun keeps the time of `zone`.

    `overlap` is what two schedules of one inverter at the same time mean, and `limit_overlap` two
    envelopes of one site, which is not known either; both are listed, and gone from the list,
    `listed_after` seconds late.
    A fleet's inverters share their plants, and so their orders.
    """

    def __init__(
        self,
        *,
        seed: str = "1",
        commissioned: date | None = None,
        latency: float | None = None,
        past_of_v221: bool = False,
        zone: timezone = LOCAL,
    ) -> None:
        self.zone = zone
        self.seed = seed
        self.past_of_v221 = past_of_v221
        self.commissioned = commissioned or days_ago(COMMISSIONED_DAYS)
        self.latency = latency
        self.accounts: list[Account] = []
        self.overlap: Overlap = "last wins"
        self.limit_overlap: LimitOverlap = "lowest wins"
        self.listed_after = 3.0
        self.faults = Faults()
        self._sites = 0
        self._owners: dict[str, tuple[Account, Site]] = {}
        self._inverters: dict[str, Inverter] = {}
        self._profiles: dict[int, Plant] = {}

    @property
    def account(self) -> Account:
        """The first account, often the only one."""
        return self.accounts[0]

    @property
    def inverters(self) -> tuple[Inverter, ...]:
        """All inverters of all accounts, without those that may be installed later."""
        sites = dict.fromkeys(site for account in self.accounts for site in account.sites)
        return tuple(inverter for site in sites for inverter in site.inverters)

    def add_account(
        self,
        presets: Iterable[str] = ("st",),
        *,
        inverters: int = 0,
        client_id: str = CLIENT_ID,
        credential: str = CREDENTIAL,
        accepts: Accepts = "both",
        shared: Iterable[Site] = (),
    ) -> Account:
        """Add an account that sees the sites of the presets, and others that are shared.

        `inverters` is the fleet's size.
        """
        sites = tuple(self._new_sites(presets, inverters))
        account = Account(client_id, credential, accepts, (*sites, *shared))
        self.accounts.append(account)
        for site in sites:
            for inverter in (*site.inverters, site.spare):
                self._owners[inverter.serial] = (account, site)
                self._inverters[inverter.serial] = inverter
        return account

    def inverter(self, serial: str) -> Inverter | None:
        """Return the inverter with this serial, one that may be installed later included."""
        return self._inverters.get(serial)

    def owner(self, serial: str) -> tuple[Account, Site] | None:
        """Return whose inverter it was first, and where it stands."""
        return self._owners.get(serial)

    def names(self, serial: str) -> tuple[str, ...]:
        """Return the ids by which a request can mean an inverter: its own, and its site's."""
        owner = self._owners.get(serial)
        return (serial, owner[1].site_id) if owner else (serial,)

    def _new_sites(self, presets: Iterable[str], inverters: int) -> Iterator[Site]:
        for preset in presets:
            if preset == FLEET:
                for index in range(inverters):
                    family = _FLEET_FAMILIES[index % len(_FLEET_FAMILIES)]
                    yield self._new_site((family,), profile=index)
            else:
                for members in PRESETS[preset]:
                    yield self._new_site(members)

    def _new_site(self, members: tuple[Family, ...], profile: int | None = None) -> Site:
        self._sites += 1
        number = self._sites
        inverters = [
            self._new_inverter(f"RB260301{number * 10 + place:08d}", family, profile)
            for place, family in enumerate((*members, members[0]), start=1)
        ]
        # Every second site has an NMI, the first has none: both are seen in the field.
        nmi = f"6{number:09d}" if number % 2 == 0 or len(members) > 1 else None
        return Site(f"S20260301{number:05d}", nmi, tuple(inverters[:-1]), inverters[-1])

    def _new_inverter(self, serial: str, family: Family, profile: int | None) -> Inverter:
        chance = dice(f"{self.seed} rhythm {serial}")
        second, latency = chance.randrange(60), chance.uniform(4, 12)
        return Inverter(
            serial=serial,
            plant=self._plant(serial, family, profile),
            second=second,
            latency=latency if self.latency is None else self.latency,
            jitter=2.0 if self.latency is None else 0.0,
        )

    def _plant(self, serial: str, family: Family, profile: int | None) -> Plant:
        """Return a plant of its own, or in a fleet one shared with others to save time."""
        if profile is None:
            return Plant(family, f"{self.seed} {serial}", self.commissioned, self.zone)
        shared = profile % _FLEET_PROFILES
        if shared not in self._profiles:
            seed = f"{self.seed} fleet {shared}"
            self._profiles[shared] = Plant(family, seed, self.commissioned, self.zone)
        return self._profiles[shared]


def build_world(
    presets: Iterable[str] = ("st",),
    *,
    inverters: int = 0,
    seed: str = "1",
    commissioned: date | None = None,
    latency: float | None = None,
) -> World:
    """Return a world with one account (`CLIENT_ID`, `CREDENTIAL`) that sees all presets."""
    world = World(seed=seed, commissioned=commissioned, latency=latency)
    world.add_account(presets, inverters=inverters)
    return world


def days_ago(days: int) -> date:
    """Return the local date some days before today."""
    return datetime.fromtimestamp(time.time(), UTC).astimezone(LOCAL).date() - timedelta(days=days)
