"""The state that must outlive a restart: names, inverters, and facts about the accounts."""

import threading
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from .cloud import ListedInverter, Remembered
from .inverters.naming import GivenName
from .storage.json_file import JsonFile

FILE = "memory.json"


_Missing = dict[str, Annotated[datetime, msgspec.Meta(tz=True)]]


class SavedAccount(msgspec.Struct, frozen=True):
    """What is saved of one account.

    `missing` is since when the cloud does not list an inverter, UTC, by serial number.
    """

    inverters: tuple[ListedInverter, ...] = ()
    cloud: Remembered = Remembered()
    missing: _Missing = {}


class Saved(msgspec.Struct, frozen=True):
    """The content of the file; names stay as first given, by serial number.

    `inverters`, `cloud` and `missing` are those of the first account, where 1.0.0 has them, and
    `accounts` has those of others by their keys.
    """

    names: dict[str, GivenName] = {}
    inverters: tuple[ListedInverter, ...] = ()
    cloud: Remembered = Remembered()
    is_history_paused: bool = False
    missing: _Missing = {}
    accounts: dict[str, SavedAccount] = {}


class SavedState:
    """The state and its file; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, Saved, "the names of inverters may change")
        self._lock = threading.Lock()
        self.saved = self._file.load() or Saved()

    def account(self, key: str) -> SavedAccount:
        """Return what is saved of an account; the first one's key is empty."""
        saved = self.saved
        if not key:
            return SavedAccount(saved.inverters, saved.cloud, saved.missing)
        return saved.accounts.get(key, SavedAccount())

    def keep_accounts(self, keys: Collection[str]) -> tuple[str, ...]:
        """Have these accounts and no others beside the first; return the keys of those dropped."""
        saved = self.saved.accounts
        self.save(accounts={key: self.account(key) for key in keys if key})
        return tuple(key for key in saved if key not in keys)

    def save_account(self, key: str, **changes: Any) -> None:  # noqa: ANN401 - as `save`
        """Change some fields of an account, as `save` does."""
        with self._lock:
            if key:
                changed = msgspec.structs.replace(self.account(key), **changes)
                changes = {"accounts": {**self.saved.accounts, key: changed}}
            self._change(changes)

    def save(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Saved, each of its type
        """Change some fields, and write the file if that makes a difference."""
        with self._lock:
            self._change(changes)

    def _change(self, changes: Mapping[str, Any]) -> None:
        changed = msgspec.structs.replace(self.saved, **changes)
        if changed != self.saved or self._file.is_failing:
            self.saved = changed
            self._file.save(changed)
