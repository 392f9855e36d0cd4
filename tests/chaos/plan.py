"""What goes wrong and when: drawn from a seed, the same for the same seed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from random import Random

from simulator import Fault, Kind
from simulator.faults import RECORD_KINDS, How
from simulator.records import COUNTERS

HOUR = 60.0
# Nothing happens in a quiet hour, nor in these minutes before it and at the end of some others.
QUIET_MINUTES = 6.0
_ENDS_QUIETLY = 0.5
# What the service needs after most faults: a round or two, and its way to Core.
_SOON = 3.0
# After credentials were refused the service waits for a quarter of an hour, after a fresh token was
# for five minutes, and after an inverter was for as long again as that has lasted.
_CREDENTIALS_REFUSED = 17.0
_TOKEN_REFUSED = 7.0
_INVERTER_REFUSED = 7.0
# The factor of the service's timeouts, and of whatever is to outlast them. The clock's would be too
# long: hours would go by until the service gives up what has no answer.
TIMEOUT_FACTOR = 10
# Until it does: a round of readings has 45 seconds.
_HANGING = 0.75 * TIMEOUT_FACTOR
# How many of the rarer troubles are in a batch.
_RARER_AT_ONCE = 4


class HouseFault(Enum):
    """What can happen in the house, beside the cloud."""

    PROXY_502 = "the Supervisor answers 502"
    PROXY_SLOW = "the Supervisor is slow"
    PROXY_CUTS = "the Supervisor cuts connections"
    PROXY_GONE = "the Supervisor refuses connections"
    WEBSOCKETS = "the WebSockets are closed"
    CORE_RESTART = "Core restarts"
    CORE_KILL = "Core is killed"
    DATABASE = "Core's database is restored from a copy"
    ROWS = "Core has lost an hour of all entities but one"
    SERVICE_KILL = "the service is killed"
    SERVICE_STOP = "the service is stopped, and started again"
    DISK_FULL = "the disk is full"
    NO_NAME = "the cloud's name is not found"
    BROKER_RESTART = "the broker restarts"
    BROKER_KILL = "the broker is killed, and forgets what it retained"
    NO_BROKER = "Core restarts while there is no broker"
    DEVICES = "the inverters become devices"
    STATES = "the inverters become plain entities"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong, in the cloud or in the house, for some minutes.

    For the minutes of `heals` after its end the service need not be right yet. In those of `lead`
    before it, and until it is healed, nothing else may happen: after a reset nobody can know any
    more what a reading that was lost before it would have shown; and a glitch while Core is away,
    for example, would be seen by nobody. `seconds` is how slow a slow Supervisor is, or how old a
    copy of a database. `kill_after` is the minutes after which the service is killed, and started.
    """

    name: str
    minutes: float
    heals: float = _SOON
    cloud: tuple[Fault, ...] = ()
    house_fault: HouseFault | None = None
    seconds: float = 0.0
    kill_after: float | None = None
    lead: float = 0.0

    @property
    def span(self) -> float:
        """The minutes that it takes of a plan."""
        return self.lead + self.minutes + self.heals


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A trouble and its moment, in minutes from the beginning."""

    at: float
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens in some hours, in the cloud and at the same time in the house.

    In the quiet hours, counted from 0, nothing does. What there was no room for is left out.
    """

    seed: int
    hours: int
    quiet: tuple[int, ...]
    cloud: tuple[Scheduled, ...]
    house: tuple[Scheduled, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Minutes in a row in which something may happen."""

    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start


def draw(
    seed: int,
    hours: int,
    serials: Sequence[str],
    without_battery: str,
    *,
    with_broker: bool = False,
    accounts: Sequence[str] = (),
) -> Plan:
    """Draw a plan: one batch of troubles for every six hours, two of which are quiet.

    The same seed gives the same plan. For the inverter without a battery v2 alone is enough: the
    service may stay with v2 for a day before it looks for better again, and v2 has no counters of a
    battery. Of several accounts, by their client ids, each fault of the line strikes one or all.
    """
    chance = Random(seed)
    batches = max(1, round(hours / 6))
    quiet = tuple(sorted(chance.sample(range(1, hours), max(1, hours // 3)))) if hours > 1 else ()
    # What happens over an hour's end: there is one in each batch.
    ends = [hour for hour in range(1, hours) if not {hour - 1, hour} & {*quiet}]
    crossed = sorted(chance.sample(ends, min(batches, len(ends))))
    over = [
        _over(hour, _over_an_hours_end(seed + batch, serials[(seed + batch) % len(serials)]))
        for batch, hour in enumerate(crossed)
    ]
    stretches = list(
        _without(_stretches(chance, hours, quiet, crossed), [_taken(one) for one in over])
    )
    cloud = [
        trouble
        for batch in range(batches)
        for trouble in (
            *_cloud_batch(chance, seed + batch, serials, without_battery),
            *_dealt(seed + batch, list(_rarer(chance, serials))),
        )
    ]
    cloud = list(_of_accounts(Random(f"{seed} accounts"), cloud, accounts))
    house = [t for _ in range(batches) for t in _house_batch(chance, with_broker=with_broker)]
    cloud_plan = _lay_out(chance, cloud, stretches, [one for one in over if one.trouble.cloud])
    alone = [_taken(one) for one in cloud_plan if one.trouble.lead]
    house_plan = _lay_out(
        chance,
        house,
        list(_without(stretches, alone)),
        [one for one in over if not one.trouble.cloud],
    )
    placed = Counter(s.trouble.name for s in (*cloud_plan, *house_plan))
    left_out = Counter(trouble.name for trouble in (*cloud, *house)) - placed
    return Plan(seed, hours, quiet, cloud_plan, house_plan, tuple(left_out.elements()))


def _of_accounts(
    chance: Random, troubles: Iterable[Trouble], accounts: Sequence[str]
) -> Iterator[Trouble]:
    """Let some troubles strike one account only, and its list of inverters be empty for a while."""
    if len(accounts) < 2:
        yield from troubles
        return
    empty = Fault(kind=Kind.NO_INVERTERS)
    for trouble in (*troubles, Trouble("no inverter listed", 4.0, cloud=(empty,))):
        one = chance.choice((None, *accounts))
        is_for_one = not any(fault.serial or fault.kind in RECORD_KINDS for fault in trouble.cloud)
        if one is None or not is_for_one:
            yield trouble
        else:
            faults = tuple(replace(fault, client_id=one) for fault in trouble.cloud)
            number = accounts.index(one) + 1
            yield replace(trouble, name=f"{trouble.name} (account {number})", cloud=faults)


def _over(hour: int, trouble: Trouble) -> Scheduled:
    """Let a trouble happen half before the beginning of an hour, and half after it."""
    return Scheduled(hour * HOUR - trouble.minutes / 2, trouble)


def _taken(one: Scheduled) -> _Stretch:
    """Return the time that a trouble needs for itself."""
    start = one.at - one.trouble.lead
    return _Stretch(start, start + one.trouble.span)


def _stretches(
    chance: Random, hours: int, quiet: Sequence[int], crossed: Sequence[int]
) -> Iterator[_Stretch]:
    """Return the times in which something may happen; half of their hours end quietly as well.

    Those before a crossed hour do not.
    """
    start = 0.0
    for hour in range(hours):
        end = (hour + 1) * HOUR
        if hour in quiet:
            start = end
        elif hour + 1 in {*quiet, hours} or (
            chance.random() < _ENDS_QUIETLY and hour + 1 not in crossed
        ):
            yield _Stretch(start, end - QUIET_MINUTES)
            start = end


def _without(stretches: Iterable[_Stretch], holes: Sequence[_Stretch]) -> Iterator[_Stretch]:
    """Cut holes into stretches; both are in order."""
    for stretch in stretches:
        start = stretch.start
        for hole in holes:
            if stretch.start <= hole.start < stretch.end:
                yield _Stretch(start, hole.start)
                start = hole.end
        yield _Stretch(start, stretch.end)


def _lay_out(
    chance: Random,
    batch: Iterable[Trouble],
    stretches: Sequence[_Stretch],
    over: Iterable[Scheduled],
) -> tuple[Scheduled, ...]:
    """Spread troubles over stretches without overlap; what finds no room is left out.

    Those over an hour's end have their times.
    """
    room = [stretch.length for stretch in stretches]
    piles: list[list[Trouble]] = [[] for _ in stretches]
    for trouble in sorted(batch, key=lambda trouble: trouble.span, reverse=True):
        fitting = [index for index, left in enumerate(room) if left >= trouble.span]
        if fitting:
            index = chance.choices(fitting, weights=[room[index] for index in fitting])[0]
            room[index] -= trouble.span
            piles[index].append(trouble)
    scheduled = [*over]
    for stretch, left, pile in zip(stretches, room, piles, strict=True):
        chance.shuffle(pile)
        # So much of the free time passes before each of them.
        pauses = sorted(chance.uniform(0, left) for _ in pile)
        passed = stretch.start
        for pause, trouble in zip(pauses, pile, strict=True):
            scheduled.append(Scheduled(passed + pause + trouble.lead, trouble))
            passed += trouble.span
    return tuple(sorted(scheduled, key=lambda one: one.at))


def _dealt(turn: int, rarer: Sequence[Trouble]) -> Iterator[Trouble]:
    """Deal some of the troubles for which there is no room every time, such that all come round."""
    for number in range(_RARER_AT_ONCE):
        yield rarer[(turn * _RARER_AT_ONCE + number) % len(rarer)]


def _rarer(chance: Random, serials: Sequence[str]) -> Iterator[Trouble]:
    """Draw one of each kind of fault of the cloud's that is not in every batch."""

    def line(name: str, fault: Fault, *, most: float = 3.0) -> Trouble:
        return Trouble(name, chance.uniform(1.0, most), cloud=(fault,))

    def time(how: How) -> Trouble:
        fault = Fault(kind=Kind.TIMESTAMPS, how=how, seconds=chance.uniform(900, 9000))
        # What is shown late is believed to be old for a few minutes more.
        return replace(line(f"timestamps {how}", fault), heals=_SOON + 1)

    def glitch(
        name: str, value: float, kind: Kind = Kind.COUNTER_SHIFT, *, least: float = 0.9
    ) -> Trouble:
        fault = Fault(kind=kind, serial=chance.choice(serials), value=value)
        return Trouble(name, chance.uniform(least, least + 1), cloud=(fault,), lead=2.0)

    def step(name: str, share: float) -> Trouble:
        fault = Fault(kind=Kind.COUNTER_STEP, serial=chance.choice(serials), value=share)
        return Trouble(name, 0.5, heals=6.0, cloud=(fault,), lead=2.0)

    yield line("not HTTP", Fault(kind=Kind.NOT_HTTP))
    yield line("a body of 100 MB", Fault(kind=Kind.OVERSIZED), most=2.0)
    yield line("redirected", Fault(kind=Kind.REDIRECT))
    yield Trouble(HouseFault.NO_NAME.value, chance.uniform(1, 4), house_fault=HouseFault.NO_NAME)
    yield time("past")
    yield time("future")
    yield time("garbled")
    yield time("absent")
    yield glitch("counters jump up", 500.0)
    yield glitch("counters fall", -50.0)
    yield glitch("records of 500 kWh", 500.0, Kind.COUNTER_ZERO)
    yield glitch("counters jump up for a while", 500.0, least=3.0)
    yield glitch("counters fall by a quarter for a while", 0.75, Kind.COUNTER_SHARE, least=3.0)
    yield step("counters go on a quarter lower", 0.75)
    yield step("counters go on a twentieth lower", 0.95)
    yield step("counters go on a thousand times as high", 1000.0)
    yield line("counters tremble", Fault(kind=Kind.COUNTER_JITTER, value=0.02), most=8.0)
    yield Trouble(
        "counters zero, and the service is killed meanwhile",
        minutes=3.0,
        heals=_SOON + 2,
        cloud=(Fault(kind=Kind.COUNTER_ZERO),),
        kill_after=chance.uniform(1.1, 2.0),
        lead=2.0,
    )
    yield Trouble(
        "counters reset, and the service is killed soon",
        minutes=3.0,
        heals=10.0,
        cloud=(Fault(kind=Kind.COUNTER_RESET, serial=chance.choice(serials)),),
        kill_after=chance.uniform(0.9, 2.0),
        lead=4.0,
    )


def _over_an_hours_end(turn: int, serial: str) -> Trouble:
    """Return what happens over an hour's end: they take turns."""

    def counters(name: str, minutes: float, kind: Kind, value: float = 0.0) -> Trouble:
        fault = Fault(kind=kind, serial=serial, value=value)
        return Trouble(f"{name} over an hour's end", minutes, cloud=(fault,), lead=2.0)

    return (
        counters("nulls", 6, Kind.COUNTER_NULL),
        Trouble(
            "Core restarts over an hour's end",
            minutes=0.5,
            heals=4.0,
            house_fault=HouseFault.CORE_RESTART,
        ),
        counters("zeros", 6, Kind.COUNTER_ZERO),
        counters("a fall by a quarter", 5, Kind.COUNTER_SHARE, 0.75),
    )[(turn + 1) % 4]


def _cloud_batch(
    chance: Random, turn: int, serials: Sequence[str], without_battery: str
) -> Iterator[Trouble]:
    """Draw one of each kind of fault that the cloud can have; those that hang take turns."""

    def line(
        name: str, *faults: Fault, least: float = 1.0, most: float = 4.0, heals: float = _SOON
    ) -> Trouble:
        return Trouble(name, chance.uniform(least, most), heals, faults)

    def glitch(name: str, fault: Fault) -> Trouble:
        return Trouble(name, chance.uniform(1.5, 3), cloud=(fault,), lead=2.0)

    def anyone() -> str:
        return chance.choice(serials)

    def some_counters() -> tuple[str, ...]:
        names = tuple(COUNTERS.values())
        return tuple(chance.sample(names, chance.randint(1, len(names))))

    status = chance.choice((500, 502, 503, 504))
    wait = chance.randint(30, 150)
    yield line(f"{status}", Fault(kind=Kind.STATUS, status=status), most=6)
    yield line(
        f"429 with Retry-After {wait}",
        Fault(kind=Kind.STATUS, status=429, retry_after=str(wait)),
        heals=_SOON + wait / 60,
    )
    yield line("429 without Retry-After", Fault(kind=Kind.STATUS, status=429), heals=_SOON + 1)
    hangs = (Kind.SLOW, Kind.DRIP)[turn % 2]
    seconds = chance.uniform(10, 90) * TIMEOUT_FACTOR
    yield line(hangs.value, Fault(kind=hangs, seconds=seconds), heals=_SOON + _HANGING)
    yield line("cut before the answer", Fault(kind=Kind.DROP, how="before"))
    yield line("cut in the middle", Fault(kind=Kind.DROP, how="middle"))
    yield line("not JSON", Fault(kind=Kind.NOT_JSON))
    yield line("wrong shape", Fault(kind=Kind.WRONG_SHAPE))
    yield line("nulls everywhere", Fault(kind=Kind.NULLS, serial=anyone()))
    yield line(
        "nulls for counters",
        Fault(kind=Kind.NULLS, fields=some_counters(), how=chance.choice(("null", "absent"))),
    )
    yield line("unknown words", Fault(kind=Kind.UNKNOWN_ENUMS, path=""))
    yield glitch("counters zero", Fault(kind=Kind.COUNTER_ZERO))
    yield glitch("counters null", Fault(kind=Kind.COUNTER_NULL, fields=some_counters()))
    yield Trouble(
        "counters reset",
        minutes=0.5,
        heals=8.0,
        cloud=(Fault(kind=Kind.COUNTER_RESET, serial=anyone(), fields=some_counters()),),
        lead=4.0,
    )
    yield line("token expires", Fault(kind=Kind.TOKEN_EXPIRY), least=0.1, most=0.2)
    # Without the expiry the service would go on with the token that it has.
    yield line(
        "wrong secret",
        Fault(kind=Kind.TOKEN_EXPIRY),
        Fault(kind=Kind.WRONG_SECRET),
        most=3,
        heals=_CREDENTIALS_REFUSED,
    )
    yield line("tokens rejected", Fault(kind=Kind.REJECT_TOKENS), most=3, heals=_TOKEN_REFUSED)
    yield line(
        "forbidden", Fault(kind=Kind.FORBIDDEN, serial=anyone()), most=3, heals=_INVERTER_REFUSED
    )
    yield line("v2 only", Fault(kind=Kind.V2_ONLY, serial=without_battery))
    yield line("no Multiple", Fault(kind=Kind.NO_MULTIPLE))
    yield line("offline, records lost", Fault(kind=Kind.OFFLINE, serial=anyone()), most=12)
    yield line(
        "offline, records late", Fault(kind=Kind.OFFLINE, serial=anyone(), how="late"), most=12
    )


def _house_batch(chance: Random, *, with_broker: bool) -> Iterator[Trouble]:
    """Draw what happens to the Supervisor, to Core and the broker, and to the service.

    Each happens once, but the service is killed three times.
    """

    def house_fault(
        kind: HouseFault, least: float, most: float, *, heals: float = _SOON, seconds: float = 0.0
    ) -> Trouble:
        minutes = chance.uniform(least, most)
        return Trouble(kind.value, minutes, heals, house_fault=kind, seconds=seconds)

    yield house_fault(HouseFault.PROXY_502, 1, 5)
    yield house_fault(
        HouseFault.PROXY_SLOW, 1, 4, heals=_SOON + 1, seconds=chance.uniform(1, 6) * TIMEOUT_FACTOR
    )
    yield house_fault(HouseFault.PROXY_CUTS, 1, 4)
    yield house_fault(HouseFault.PROXY_GONE, 1, 5)
    yield house_fault(HouseFault.WEBSOCKETS, 0.1, 0.2)
    yield house_fault(HouseFault.SERVICE_STOP, 0.1, 2, heals=5.0)
    yield house_fault(HouseFault.DISK_FULL, 2, 6)
    yield house_fault(HouseFault.CORE_RESTART, 0.5, 6, heals=4.0)
    yield house_fault(HouseFault.CORE_KILL, 0.5, 6, heals=4.0)
    yield house_fault(HouseFault.ROWS, 0.5, 1, heals=4.0)
    yield house_fault(
        HouseFault.DATABASE, 0.5, 3, heals=4.0, seconds=chance.uniform(0.5, 4.0) * 3600
    )
    for _ in range(3):
        yield house_fault(HouseFault.SERVICE_KILL, 0.1, 4, heals=5.0)
    if with_broker:
        yield house_fault(HouseFault.BROKER_RESTART, 0.2, 2)
        yield house_fault(HouseFault.BROKER_KILL, 0.2, 4)
        yield house_fault(HouseFault.NO_BROKER, 0.5, 2, heals=4.0)
