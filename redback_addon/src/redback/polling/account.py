"""One account of the Redback cloud: everything that uses its credentials."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from ..clock import Clock, wait
from ..cloud import (
    AccessError,
    CloudError,
    Credentials,
    CredentialsError,
    Dynamic,
    Hosts,
    ListedInverter,
    NotFoundError,
    RedbackClient,
    RememberedHolder,
    TokenSource,
    Transport,
)
from ..environment import Environment
from ..inverters.naming import GivenName, replacements
from ..inverters.registry import Registry
from ..notifications import AccountNotifications, Notification, Notifications
from ..options import Login
from ..problems import AccountProblems, Kind, Problems
from ..saved_state import SavedState
from .details import DetailsPoller
from .poller import Poller
from .throttle import Runner, Throttle
from .warm_up import WarmUp

_LOG = logging.getLogger(__name__)
_DISCOVERY_SECONDS = 60 * 60.0
_DISCOVERY_RETRY_SECONDS = 30.0
_REFUSED_SECONDS = 5 * 60.0
# How long the list of an account is waited for where another account must know it.
_OTHERS_SECONDS = 5 * 60.0
# Another account reads an inverter that this one has had no reading of for as long, or that it
# must not ask for any longer than this.
_SILENT_SECONDS = 3 * 60.0
_SHUT_SECONDS = 60.0
# If neither has readings, it is the cloud: then they rarely take turns.
_TURN_SECONDS = 30 * 60.0
# Lists have been incomplete before.
_MISSING_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shared:
    """The parts that all accounts share."""

    clock: Clock
    problems: Problems
    notifications: Notifications
    registry: Registry
    saved_state: SavedState


class Account:
    """Discovers the inverters of one pair of credentials, and polls those that are left to it.

    Each has problems, notifications and a saved state of its own, by its key. `accounts` decides
    what it reads; `changed` is called when it has other inverters or none, `failing` when those
    that it cannot read may have become others. `everyone` are all accounts, as they are then.

    Attributes:
        key: identifies it, without telling its Client ID; that of the first account is empty.
        label: what people call it; empty if it is the only one.
    """

    def __init__(
        self,
        client: RedbackClient,
        shared: Shared,
        *,
        changed: Callable[[], None],
        failing: Callable[[], None],
        everyone: Sequence["Account"] = (),
        key: str = "",
        label: str = "",
        runner: Runner = asyncio.to_thread,
    ) -> None:
        self.client = client
        self.key = key
        self.label = label
        self.problems = AccountProblems(shared.problems, key, label)
        self._clock = clock = shared.clock
        self._notifications = AccountNotifications(shared.notifications, key, label)
        self._registry = registry = shared.registry
        self._saved_state = shared.saved_state
        self._changed = changed
        self._failing = failing
        self._everyone = everyone
        # The inverters that it reads.
        self.names: Mapping[str, GivenName] = {}
        # When each of them was last read or, before that, left to it; this and the next in
        # monotonic seconds.
        self._heard: dict[str, float] = {}
        # When it last could not read each that it has not read since.
        self._failed: dict[str, float] = {}
        # The inverters that the cloud has denied it, and of them those in a notification.
        self.denied: set[str] = set()
        self._told: Sequence[str] = ()
        self.is_refused = False
        # When the cloud last gave it a list or a reading.
        self._answered_at = -math.inf
        # Whether the cloud has listed its inverters since the start.
        self.has_answered = False
        # Its last list, and when, in monotonic seconds.
        self._last_list = frozenset(one.serial for one in self.inverters).difference(
            self._saved_state.account(key).missing
        )
        self.listed_at = -math.inf
        # Since when it waits for others to list anew what is replaced by its own list.
        self._waits_since: float | None = None
        self._began = clock.monotonic()
        self._urged = asyncio.Event()
        self.throttle = Throttle(clock, self, runner)
        self.poller = Poller(
            client, self.throttle, clock, self.problems, registry, self._notifications, self
        )
        self.details = DetailsPoller(client, self.throttle, clock, self.problems, registry)
        self._warm_up = WarmUp(client, self.throttle, clock, registry)

    @property
    def inverters(self) -> tuple[ListedInverter, ...]:
        """The inverters that the cloud lists for it, or did lately."""
        return self._saved_state.account(self.key).inverters

    @property
    def is_listed(self) -> bool:
        """Whether the cloud has ever said which inverters it has."""
        return self.has_answered or bool(self.inverters)

    @property
    def is_settled(self) -> bool:
        """Whether its list has come, or is not waited for any more: what is saved counts."""
        waited = self._clock.monotonic() - self._began
        return self.has_answered or self.is_refused or waited >= _OTHERS_SECONDS

    @property
    def gone(self) -> Mapping[str, datetime]:
        """The inverters that the cloud does not list any more, and since when."""
        saved, now = self._saved_state.account(self.key), self._clock.now()
        known = {one.serial for one in saved.inverters}
        return {
            serial: since
            for serial, since in saved.missing.items()
            if serial in known and now - since >= _MISSING_FOR
        }

    @property
    def listed(self) -> set[str]:
        """The inverters that it has, without those that are gone."""
        return {one.serial for one in self.inverters}.difference(self.gone)

    def reluctance(self) -> dict[str, tuple[bool, bool, float, bool]]:
        """Return how much better it would be if another account read each inverter, to compare.

        Of two that could not read it, the one for which that is longer ago tries again: so they
        take turns.
        """
        saved, gone = self._saved_state.account(self.key), self.gone
        return {
            one.serial: (
                one.serial in gone,
                self.is_refused,
                self._failed.get(one.serial, -math.inf),
                one.serial in saved.missing,
            )
            for one in saved.inverters
        }

    def read(self, names: Mapping[str, GivenName], others: Iterable[str]) -> None:
        """Read these inverters from now on, and describe the others."""
        now = self._clock.monotonic()
        self._heard = {serial: self._heard.get(serial, now) for serial in names}
        self.names = names
        if self.is_refused:  # nor can any other account read them
            self._registry.clear(names)
        self.poller.watch(names)
        self.details.watch(names, others)
        self._warm_up.watch(names)

    async def run(self) -> None:
        """Discover the inverters, and poll them, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_discovering())
            for part in (self.details, self._warm_up, self.poller):
                tasks.create_task(part.run())

    def credentials_refused(self) -> None:
        """Show that the cloud refuses the credentials, and clear the readings."""
        if not self.is_refused:
            self.is_refused = True
            self._changed()
        self._notifications.show(Notification.CREDENTIALS)
        self._registry.clear(self.names)

    def credentials_accepted(self) -> None:
        """Show that the cloud accepts the credentials."""
        if self.is_refused:
            self.is_refused = False
            self._changed()
        self._notifications.withdraw(Notification.CREDENTIALS)

    def answered(self, outcomes: Mapping[str, Dynamic | CloudError]) -> None:
        """Note what came of reading inverters: one that it may not read, another account may."""
        now = self._clock.monotonic()
        for serial, outcome in outcomes.items():
            match outcome:
                case Dynamic():
                    self._answered_at = self._heard[serial] = now
                    self._failed.pop(serial, None)
                    self.denied.discard(serial)
                case AccessError():
                    self._failed[serial] = now
                    self.denied.add(serial)
                case CredentialsError():
                    self._failed[serial] = now
                case NotFoundError():  # what is not there any more is no longer denied
                    self.denied.discard(serial)
        self._failing()

    def pass_on(self) -> None:
        """Leave what it has had no readings of for long to accounts that the cloud answers since.

        Those that it has not answered are listed again, which shows whether it is the cloud.
        """
        now, is_shut = self._clock.monotonic(), self.throttle.shut_s > _SHUT_SECONDS
        for serial, since in self._heard.items():
            if not (is_shut or now - since >= _SILENT_SECONDS):
                continue
            for one in self._others_listing(serial):
                if one._answered_at > since:  # noqa: SLF001 - of its own kind
                    if now - one._failed.get(serial, -math.inf) >= _TURN_SECONDS:  # noqa: SLF001
                        self._failed[serial] = now
                else:
                    one.list_again()

    def tell_denied(self, serials: Sequence[str]) -> None:
        """Show which inverters no account may read; none = they can all be read."""
        if serials != self._told:
            self._told = serials
            self._notifications.denied(serials)

    def retry(self) -> None:
        """Ask the cloud again at once, whatever is waited for."""
        self._failed.clear()
        self.throttle.reopen()
        self._urged.set()
        self.poller.retry()

    async def _keep_discovering(self) -> NoReturn:
        while True:
            self._urged.clear()
            try:
                inverters = await self.throttle.ask(self.client.inverters)
            except CloudError as error:
                self._take_failure(error)
                await wait(self._clock, _DISCOVERY_RETRY_SECONDS, self._urged)
                continue
            self.problems.clear(Kind.DISCOVERY)
            self._notifications.connection(self.problems.lasting(Kind.CLOCK, Kind.READINGS))
            if not self.names:  # no reading would show that the token is accepted again
                self._notifications.withdraw(Notification.TOKEN)
            if not (is_early := self._must_wait(inverters)):
                self._take(inverters)
            # Without any, the account is not set up yet, or the list is incomplete.
            is_final = inverters and not is_early
            seconds = _DISCOVERY_SECONDS if is_final else _DISCOVERY_RETRY_SECONDS
            await wait(self._clock, seconds, self._urged)

    def _take_failure(self, error: CloudError) -> None:
        if not isinstance(error, CredentialsError):
            self.problems.raise_(Kind.DISCOVERY, why=error)
            if not self.names:  # otherwise the poller does this
                self._notifications.connection(self.problems.lasting(Kind.DISCOVERY))
        elif error.token_refused and not self.names:
            # No inverter is known yet whose readings would show it.
            self.throttle.close(_REFUSED_SECONDS)
            self._notifications.show(Notification.TOKEN)

    def _must_wait(self, inverters: tuple[ListedInverter, ...]) -> bool:
        """Whether others must list anew what this list replaces, before it is taken.

        They are asked to do so at once. One that does not answer is not waited for any longer.
        """
        now = self._clock.monotonic()
        self._last_list = frozenset(one.serial for one in inverters)
        self.listed_at = self._answered_at = now
        listing = [one for old in self._replaced(inverters) for one in self._others_listing(old)]
        since = now if self._waits_since is None else self._waits_since
        late = [one for one in listing if one.listed_at < since]
        if not late or now - since >= _OTHERS_SECONDS:
            self._waits_since = None
            return False
        self._waits_since = since
        for one in late:
            one.list_again()
        return True

    def list_again(self) -> None:
        """Ask for the list at once."""
        self._urged.set()

    def _replaced(self, inverters: Iterable[ListedInverter]) -> dict[str, str]:
        """Return which inverters these replace; one that has a name already replaces none."""
        given = self._saved_state.saved.names
        pairs = replacements(self.inverters, [*inverters], self.gone)
        return {old: new for old, new in pairs.items() if new not in given}

    def _others_listing(self, serial: str) -> list["Account"]:
        """Return the other accounts whose last list has an inverter."""
        others = (one for one in self._everyone if one is not self and not one.is_refused)
        return [one for one in others if serial in one._last_list]  # noqa: SLF001 - of its own kind

    def _drop(self, serial: str) -> None:
        """Forget an inverter, which has been replaced or is gone."""
        missing = {**self._saved_state.account(self.key).missing}
        missing.pop(serial, None)
        inverters = tuple(one for one in self.inverters if one.serial != serial)
        self._saved_state.save_account(self.key, inverters=inverters, missing=missing)

    def _take(self, inverters: tuple[ListedInverter, ...]) -> None:
        """Use the list of the account's inverters.

        One that is missing from a later list is read for another day: lists have been incomplete
        before. But a list with none of the known ones is another account's, and another inverter on
        the site of a single one has replaced that.
        """
        saved, now = self._saved_state.account(self.key), self._clock.now()
        self.has_answered = True
        found = {inverter.serial: inverter for inverter in inverters}
        before = {inverter.serial: inverter for inverter in saved.inverters}
        replaced = {
            old: new
            for old, new in self._replaced(inverters).items()
            if not self._others_listing(old)
        }
        given = self._saved_state.saved.names
        names = dict(given)
        for old, new in replaced.items():
            if (name := names.pop(old, None)) is not None:
                names[new] = GivenName(name.base, name.name, (old, *name.formers))
        is_another_account = bool(found) and found.keys().isdisjoint(before)
        lost = before.keys() if is_another_account else replaced.keys()
        known = {serial: one for serial, one in before.items() if serial not in lost} | found
        missing = {
            serial: min(saved.missing.get(serial, now), now)
            for serial in known
            if serial not in found
        }
        if not found:  # an outage looks like this too
            missing = saved.missing
        self._saved_state.save(names=names)
        for one in self._everyone:
            for old in replaced:
                one._drop(old)  # noqa: SLF001 - of its own kind
        self._save(inverters=(*known.values(),), missing=missing)
        for old, new in replaced.items():
            if old in given and new in self.names:
                self._notifications.replaced(old, new, self.names[new].name)

    def forget(self, serial: str) -> None:
        """Forget an inverter that is gone; another one may have its name."""
        self._drop(serial)
        self._save()

    def _save(self, **changes: object) -> None:
        """Save which inverters it has, and let all accounts go by it."""
        self._saved_state.save_account(self.key, **changes)
        self._changed()
        self._notifications.listed([one for one in self.inverters if one.serial not in self.gone])


def connect(
    transport: Transport,
    environment: Environment,
    login: Login,
    saved_state: SavedState,
    on_token: Callable[[str], None],
    *,
    key: str = "",
) -> RedbackClient:
    """Return a client with these credentials; no request is made yet."""
    saved = saved_state.account(key)
    holder = RememberedHolder(saved.cloud, lambda cloud: saved_state.save_account(key, cloud=cloud))
    tokens = TokenSource(
        transport,
        Credentials(login.client_id, login.credential),
        holder,
        Hosts(environment.api_url, environment.login_url),
        on_token,
    )
    return RedbackClient(transport, tokens, holder, inverters=saved.inverters)
