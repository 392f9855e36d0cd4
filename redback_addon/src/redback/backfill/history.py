"""Everything of the history as one object: its files, and the parts that fill it."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path

from ..clock import Clock
from ..cloud import Dynamic
from ..core import HomeAssistant
from ..inverters.inverter import Inverter
from ..inverters.registry import Registry
from ..ledger import FILE as LEDGER_FILE
from ..ledger import Ledger
from ..polling.account import Account
from ..polling.accounts import Accounts
from ..publishing.ownership import Ownership
from .adjustments import FILE as ADJUSTMENTS_FILE
from .adjustments import Adjustments
from .audit import Audit
from .backfill import Backfill, Backfills
from .coverage import FILE as COVERAGE_FILE
from .coverage import Coverage
from .fetcher import Fetcher
from .importer import Importer


class Files:
    """The files of the history, in the data folder.

    Attributes:
        coverage: what Core was shown.
        ledger: what the counters counted.
        adjustments: how Core's sums were shifted.
    """

    def __init__(self, folder: Path) -> None:
        self.coverage = Coverage(folder / COVERAGE_FILE)
        self.ledger = Ledger(folder / LEDGER_FILE)
        self.adjustments = Adjustments(folder / ADJUSTMENTS_FILE)

    def note(self, serial: str, moment: datetime, keys: Collection[str]) -> None:
        """Note that Core was shown a reading, but for the entities that it rejects."""
        if keys:
            self.coverage.note(serial, moment)

    def close(self) -> None:
        """Close them."""
        for file in (self.coverage, self.ledger, self.adjustments):
            file.close()


class History:
    """Fills what is missing, and compares what is there.

    Attributes:
        importer: makes Core's statistics agree.
        backfill: fills what is missing.

    It is fetched through the account that reads the inverter. `seen` is called with an inverter's
    readings each time that an hour was fetched.
    """

    def __init__(
        self,
        files: Files,
        home_assistant: HomeAssistant,
        ownership: Ownership,
        accounts: Accounts,
        clock: Clock,
        *,
        registry: Registry,
        seen: Callable[[Inverter, Sequence[Dynamic]], None],
        days: int,
    ) -> None:
        coverage, websocket = files.coverage, home_assistant.websocket
        self.importer = Importer(
            home_assistant.statistics, files.ledger, files.adjustments, clock, ownership
        )

        def backfill(account: Account) -> Backfill:
            fetcher = Fetcher(
                account.client,
                account.throttle,
                clock,
                coverage,
                files.ledger,
                reads=lambda serial: accounts.reader(serial) is account,
                seen=seen,
            )
            return Backfill(
                coverage,
                fetcher,
                self.importer,
                websocket,
                clock,
                account.problems,
                registry=registry,
                days=days,
            )

        self.backfill = Backfills([backfill(account) for account in accounts])
        self._audit = Audit(self.importer, coverage, websocket, clock, self.backfill)

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self.backfill, self._audit):
                tasks.create_task(part.run())
