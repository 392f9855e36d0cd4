"""All accounts together: names their inverters, and decides which account reads which."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from ..cloud import ListedInverter, RedbackClient, Transport
from ..environment import Environment
from ..inverters.naming import GivenName, choose
from ..notifications import AccountNotifications
from ..options import Login, Options, Site
from ..publishing.entity_ids import slug
from .account import Account, Shared, connect
from .throttle import Runner

_LOG = logging.getLogger(__name__)
# How often to look whether an account has been silent for too long.
_REVIEW_SECONDS = 30.0


class Accounts:
    """The accounts, the first one first.

    An inverter that several of them have is read by the first that can. Once another one reads it,
    that goes on, until that one cannot; but refused credentials count only while they are refused.

    Attributes:
        inverters: all that they have, each as its reader knows it.
        gone: the inverters that are not read any more, and since when the cloud does not list them.
        lost: the names of those of them that would be read; none where no inverter is read because
            the option Sites has no other, as `missing` says.
        missing: the entries of the option Sites without an inverter.
    """

    def __init__(self, shared: Shared, *, sites: Sequence[Site]) -> None:
        self._shared = shared
        self._notifications = shared.notifications
        self._registry = shared.registry
        self._saved_state = shared.saved_state
        self._sites = sites
        self._accounts: list[Account] = []
        self._readers: dict[str, Account] = {}
        self.inverters: tuple[ListedInverter, ...] = ()
        # Of the inverters that are read.
        self._names: Mapping[str, GivenName] = {}
        self.gone: Mapping[str, datetime] = {}
        self.lost: Mapping[str, GivenName] = {}
        self.missing: Sequence[Site] = ()
        # Whether what is missing was decided with the lists of all, as far as they come.
        self._is_settled = False

    def add(
        self,
        client: RedbackClient,
        key: str = "",
        label: str = "",
        runner: Runner = asyncio.to_thread,
    ) -> Account:
        """Add an account; see `Account` for what the arguments are."""
        account = Account(
            client,
            self._shared,
            changed=self._update,
            failing=self._review,
            everyone=self._accounts,
            key=key,
            label=label,
            runner=runner,
        )
        self._accounts.append(account)
        return account

    def connect(
        self,
        options: Options,
        transport: Transport,
        environment: Environment,
        on_token: Callable[[str], None],
    ) -> None:
        """Add the accounts of the options, and withdraw what was said of those not there now."""
        logins = options.logins
        keys = ("", *map(_key, logins[1:]))
        for key in self._saved_state.keep_accounts(keys):
            AccountNotifications(self._notifications, key).withdraw_all()
        for number, (key, login) in enumerate(zip(keys, logins, strict=True), start=1):
            saved_state = self._saved_state
            client = connect(transport, environment, login, saved_state, on_token, key=key)
            self.add(client, key, f"Account {login.name or number}" if len(logins) > 1 else "")

    def __iter__(self) -> Iterator[Account]:
        """Yield each of them, the first one first."""
        return iter(self._accounts)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._accounts)

    async def run(self) -> None:
        """Run all of them, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for account in self:
                tasks.create_task(account.run())
            while len(self) > 1:
                await self._shared.clock.sleep(_REVIEW_SECONDS)
                for account in self:
                    account.pass_on()
                self._review()

    def use_saved(self) -> None:
        """Use the inverters that an earlier run found, until the cloud lists them."""
        if any(account.inverters for account in self):
            self._update()

    def retry(self) -> None:
        """Ask the cloud again at once, whatever is waited for."""
        for account in self:
            account.retry()

    def reader(self, serial: str) -> Account | None:
        """Return the account that reads an inverter, or would if it were in use."""
        return self._readers.get(serial)

    def forget(self, serial: str) -> None:
        """Forget an inverter that is gone; another one may have its name."""
        for account in self:
            if serial in account.gone:
                account.forget(serial)

    @property
    def _are_settled(self) -> bool:
        """Whether a list has come, and no other one is waited for."""
        has_answered = any(account.has_answered for account in self)
        return has_answered and all(account.is_settled for account in self)

    def _update(self) -> None:
        """Name every inverter that is wanted, and let those that are not gone be read."""
        self._use(self._best())
        given = self._saved_state.saved.names
        choice = choose(self.inverters, self._sites, given, is_one_account=len(self) == 1)
        for serial, name in choice.names.items():
            if given.get(serial) != name:
                _LOG.info("Inverter %s is called %s", serial, name.name)
        taken = {slug(name.name) for name in choice.names.values()}
        left = {serial: name for serial, name in given.items() if slug(name.name) not in taken}
        self._saved_state.save(names={**left, **choice.names})
        names = {serial: one for serial, one in choice.names.items() if serial not in self.gone}
        self._registry.use(names, instead_of=self._names)
        self._names = names
        for account in self:
            account.read(*self._work(account))
        self._tell_denied()
        missing = choice.missing if names else self._sites
        lost = {serial: one for serial, one in choice.names.items() if serial in self.gone}
        self.lost = lost if names or not self._sites else {}
        self._is_settled = self._are_settled
        if missing and not self._is_settled:
            return  # those that seem to be missing may be listed yet
        self.missing = missing
        listed = tuple(one for one in self.inverters if one.serial not in self.gone)
        self._notifications.missing_sites(
            self.missing, listed, others=bool(names), several=len(self._accounts) > 1
        )

    def _review(self) -> None:
        """Let another account read what it can read better, and tell what none may read."""
        if self._best() != self._readers or self._are_settled != self._is_settled:
            self._update()
        else:
            self._tell_denied()

    def _tell_denied(self) -> None:
        """Show which inverters no account may read, at the first that has each."""
        told: dict[Account, list[str]] = {account: [] for account in self}
        denied = sorted(set[str]().union(*(account.denied for account in self)))
        listed = {one: one.listed for one in self if not one.is_refused} if denied else {}
        for serial in denied:
            having = [account for account, serials in listed.items() if serial in serials]
            if serial in self._names and having and all(serial in one.denied for one in having):
                told[having[0]].append(serial)
        for account, serials in told.items():
            account.tell_denied(serials)

    def _best(self) -> dict[str, Account]:
        """Return the account that should read each inverter: of equal ones the first."""
        best: dict[str, tuple[tuple[bool, bool, float, bool], Account]] = {}
        for account in self:
            for serial, reluctance in account.reluctance().items():
                if serial not in best or reluctance < best[serial][0]:
                    best[serial] = reluctance, account
        return {serial: account for serial, (_, account) in best.items()}

    def _use(self, readers: dict[str, Account]) -> None:
        """Let these accounts read the inverters, and find out which are gone."""
        self._readers = readers
        listed = {account: {one.serial: one for one in account.inverters} for account in self}
        self.inverters = tuple(listed[account][serial] for serial, account in readers.items())
        before, gone = self.gone, {account: account.gone for account in self}
        self.gone = {
            serial: gone[account][serial]
            for serial, account in self._readers.items()
            if serial in gone[account]
        }
        for serial in self.gone.keys() - before.keys():
            _LOG.info("Inverter %s is not read any more: the cloud does not list it", serial)

    def _work(self, account: Account) -> tuple[dict[str, GivenName], list[str]]:
        """Return which inverters an account reads, and which others it describes."""
        own = [serial for serial, reader in self._readers.items() if reader is account]
        names = {serial: self._names[serial] for serial in own if serial in self._names}
        others = (serial for serial in own if serial not in names and serial not in self.gone)
        return names, [*others]


def _key(login: Login) -> str:
    """Return what identifies an account without telling its Client ID."""
    return hashlib.blake2s(login.client_id.casefold().encode(), digest_size=6).hexdigest()
