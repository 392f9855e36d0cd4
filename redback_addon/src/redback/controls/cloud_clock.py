"""The cloud's time, by which schedules and envelopes begin and end."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ..clock import Clock
from ..polling.account import Account

# What the cloud says is in whole seconds, and some time on its way.
_TOLERANCE = timedelta(minutes=1)


class CloudClock:
    """A clock that is right although this machine's is wrong, or is set while something runs."""

    def __init__(self, accounts: Sequence[Account], clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self.monotonic = clock.monotonic
        self.sleep = clock.sleep

    def now(self) -> datetime:
        """Return the time by the cloud's latest answer; before the first, this machine's."""
        known = (account.client.clock_ahead for account in self._accounts)
        ahead = next((one for one in known if one is not None), timedelta())
        return self._clock.now() - (ahead if abs(ahead) >= _TOLERANCE else timedelta())
