"""What can be made to go wrong with the simulated cloud: one `Fault` for each thing, in one list.

Three sorts of kinds share the model:

- Request faults (`status`, `slow`, `nulls`, ...) strike requests. `path` (a part of the path;
  each kind has a sensible default), `method`, `serial` (the request or element that concerns this
  inverter), `client_id` (the requests of this account) and `times` (the next N requests that match)
  narrow them down.
- Record faults (`offline` and those of counters) change what the inverter records between
  `since` and `until`, for every later reader alike, history included.
  Clearing them ends them now; what they did to records stays, as it would with a real cloud.
- Standing faults (`extra_inverter`, `token_expiry`) are states of the cloud.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

How = Literal[
    "before",
    "middle",
    "after",
    "null",
    "empty",
    "absent",
    "lost",
    "late",
    "past",
    "future",
    "garbled",
]


class Kind(StrEnum):
    """Everything that can go wrong; the comment says which fields of `Fault` matter to it."""

    STATUS = "status"  # status (503), retry_after, how: before | after (it was done)
    SLOW = "slow"  # seconds before the answer, how: before | after (it was done)
    DRIP = "drip"  # seconds over which the body trickles
    DROP = "drop"  # how: before | middle
    NOT_HTTP = "not_http"  # a TLS alert, as from a port that expects TLS
    OVERSIZED = "oversized"  # megabytes (100) of blanks within the body
    REDIRECT = "redirect"  # status (302), to another host
    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"
    NULLS = "nulls"  # fields, how: null | empty | absent
    TIMESTAMPS = "timestamps"  # how: past | future | garbled | absent, seconds
    UNKNOWN_ENUMS = "unknown_enums"
    TOKEN_EXPIRY = "token_expiry"
    WRONG_SECRET = "wrong_secret"
    REJECT_TOKENS = "reject_tokens"
    FORBIDDEN = "forbidden"
    V2_ONLY = "v2_only"
    NO_MULTIPLE = "no_multiple"  # status (404)
    EXTRA_INVERTER = "extra_inverter"
    NO_INVERTERS = "no_inverters"  # the list of them is empty
    OFFLINE = "offline"  # since, until, how: lost | late (records are sent when it is over)
    COUNTER_RESET = "counter_reset"  # since, value (kWh), fields
    COUNTER_STEP = "counter_step"  # since, value (share of it to go on from), fields
    COUNTER_SHARE = "counter_share"  # since, until (one minute), value (share shown), fields
    COUNTER_ZERO = "counter_zero"  # since, until (one minute), value (kWh instead), fields
    COUNTER_NULL = "counter_null"  # since, until (one minute), fields
    COUNTER_SHIFT = "counter_shift"  # since, until (one minute), value (kWh more), fields
    COUNTER_JITTER = "counter_jitter"  # since, until, value (kWh less at most), fields


RECORD_KINDS = frozenset(
    {
        Kind.OFFLINE,
        Kind.COUNTER_RESET,
        Kind.COUNTER_STEP,
        Kind.COUNTER_SHARE,
        Kind.COUNTER_ZERO,
        Kind.COUNTER_NULL,
        Kind.COUNTER_SHIFT,
        Kind.COUNTER_JITTER,
    }
)
STANDING_KINDS = frozenset({Kind.TOKEN_EXPIRY, Kind.EXTRA_INVERTER})

_READING_KINDS = frozenset(
    {Kind.COUNTER_SHARE, Kind.COUNTER_ZERO, Kind.COUNTER_NULL, Kind.COUNTER_SHIFT}
)
# What these do ends when they are cleared, if no moment was named.
_LASTING_KINDS = frozenset({Kind.OFFLINE, Kind.COUNTER_JITTER})
_DEFAULT_PATHS: Mapping[Kind, str] = {
    Kind.NULLS: "Dynamic",
    Kind.TIMESTAMPS: "Dynamic",
    Kind.UNKNOWN_ENUMS: "EnergyData",
    Kind.WRONG_SECRET: "token",
    Kind.V2_ONLY: "/Api/v2.21/",
    Kind.NO_MULTIPLE: "/Multiple/",
    Kind.NO_INVERTERS: "/With/Nodes",
}
_DEFAULT_PATH = "/Api/"
_NOT_ON_TOKENS = frozenset({Kind.REJECT_TOKENS, Kind.FORBIDDEN})
_TOKEN_PATH_END = "/token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong; the module's docstring says which fields matter when.

    Attributes:
        kind: what goes wrong.
        path: only requests whose path contains this; None means the kind's own default, which
            for most is everything below `/Api/` (the new token endpoint is not: it is another
            company's); "" means all.
        method: only requests with this HTTP method.
        serial: only what concerns this inverter.
        client_id: only what this account asks.
        times: how many of the next requests that match; None means until cleared.
        since: when a record fault begins; None means when it is switched on.
        until: when a record fault ends; None means when it is cleared.
        status: HTTP status.
        retry_after: the value of the Retry-After header, if there is to be one.
        seconds: a span of time.
        how: the manner, where a kind has several; the first one named there is the default.
        fields: names of API fields; empty means all that make sense.
        value: kWh: what counters start over from, or by how much they are wrong; or the share of
            its value that a counter shows, or from which it goes on.
        megabytes: how large an answer becomes, in MB of a million bytes.
    """

    kind: Kind
    path: str | None = None
    method: str | None = None
    serial: str | None = None
    client_id: str | None = None
    times: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    status: int | None = None
    retry_after: str | None = None
    seconds: float | None = None
    how: How | None = None
    fields: tuple[str, ...] = ()
    value: float = 0.0
    megabytes: int | None = None

    def matches(self, method: str, path: str) -> bool:
        """Whether a request with this method and path is one of those meant."""
        wanted = _DEFAULT_PATHS.get(self.kind, _DEFAULT_PATH) if self.path is None else self.path
        concerned = self.kind not in _NOT_ON_TOKENS or not path.endswith(_TOKEN_PATH_END)
        return concerned and wanted in path and self.method in {None, method}

    def covers(self, when: float) -> bool:
        """Whether a record of `when` (Unix seconds) falls into the fault's time."""
        begun = self.since is None or when >= self.since.timestamp()
        return begun and (self.until is None or when < self.until.timestamp())


class Struck:
    """The faults that strike one request."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._faults = faults

    def first(self, kind: Kind, serial: str | None = None) -> Fault | None:
        """Return the first fault of a kind that concerns `serial` (None: the whole request)."""
        for fault in self._faults:
            if fault.kind is kind and (serial is None or fault.serial in {None, serial}):
                return fault
        return None


class Faults:
    """All faults that are switched on, by number."""

    def __init__(self) -> None:
        self._active: dict[int, Fault] = {}
        self._past: list[Fault] = []
        self._numbers = 0
        self._expiries: Counter[str | None] = Counter()

    @property
    def active(self) -> Mapping[int, Fault]:
        """What is switched on."""
        return dict(self._active)

    def add(self, fault: Fault) -> int:
        """Switch a fault on and return its number, for `clear`."""
        if fault.kind in RECORD_KINDS and fault.since is None:
            fault = replace(fault, since=_now())
        if fault.kind in _READING_KINDS and fault.until is None and fault.since is not None:
            fault = replace(fault, until=fault.since + timedelta(minutes=1))
        if fault.kind is Kind.TOKEN_EXPIRY:
            self._expiries[fault.client_id] += 1
        self._numbers += 1
        self._active[self._numbers] = fault
        return self._numbers

    def clear(self, number: int | None = None) -> None:
        """Switch one fault off, or all; an unknown number (one used up) is no error."""
        for key in list(self._active) if number is None else [number]:
            fault = self._active.pop(key, None)
            if fault is not None and fault.kind in RECORD_KINDS:
                self._past.append(_ended(fault))

    def expiries(self, client_id: str) -> int:
        """Return how often the tokens of an account have expired."""
        return self._expiries[client_id] + self._expiries[None]

    def strike(
        self,
        method: str,
        path: str,
        text: str,
        names: Callable[[str], tuple[str, ...]],
        client_id: str | None = None,
    ) -> Struck:
        """Return what strikes a request, and count it.

        `text` is path and body together, where a serial or site id may be mentioned; `names` gives
        the ids by which an inverter can be meant; `client_id` is who asks, if that is known.
        """
        struck = []
        for number, fault in list(self._active.items()):
            if fault.kind in RECORD_KINDS | STANDING_KINDS or not fault.matches(method, path):
                continue
            if fault.client_id not in {None, client_id}:
                continue
            if fault.serial and not any(name in text for name in names(fault.serial)):
                continue
            struck.append(fault)
            self._count(number, fault)
        return Struck(tuple(struck))

    def standing(self, kind: Kind) -> tuple[Fault, ...]:
        """Return the faults of a standing kind."""
        return tuple(fault for fault in self._active.values() if fault.kind is kind)

    def on_records(self, serial: str) -> tuple[Fault, ...]:
        """Return the record faults of one inverter, past ones included, oldest first."""
        everything = [*self._past, *self._active.values()]
        mine = [f for f in everything if f.kind in RECORD_KINDS and f.serial in {None, serial}]
        return tuple(sorted(mine, key=lambda fault: fault.since.timestamp() if fault.since else 0))

    def is_offline(self, serial: str, now: float) -> bool:
        """Whether an inverter sends nothing at this moment."""
        return any(
            fault.kind is Kind.OFFLINE and fault.covers(now) for fault in self.on_records(serial)
        )

    def _count(self, number: int, fault: Fault) -> None:
        if fault.times == 1:
            del self._active[number]
        elif fault.times is not None:
            self._active[number] = replace(fault, times=fault.times - 1)


def _ended(fault: Fault) -> Fault:
    """Return a record fault as it is remembered: a hole closes now, a reset never un-happens."""
    if fault.kind not in _LASTING_KINDS:
        return fault
    now = _now()
    return replace(fault, until=min(fault.until or now, now))


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
