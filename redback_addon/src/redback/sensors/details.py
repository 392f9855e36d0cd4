"""Details of an inverter: facts that rarely change."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..cloud import Configuration, Envelope, Limits, Schedule, Schedules, Static


@dataclass(frozen=True, slots=True)
class Details:
    """Facts that rarely change, passed around as one object; None = not known yet.

    A new kind of fact is a field here and a request in polling/details.py. Schedules and envelopes
    are read by controls/, if that is switched on.
    """

    static: Static | None = None
    configuration: Configuration | None = None
    schedules: Schedules | None = None
    envelopes: tuple[Envelope, ...] | None = None

    @property
    def site_id(self) -> str | None:
        """The site that the inverter belongs to."""
        return None if self.static is None else self.static.site_id

    def control_ends(self, at: datetime) -> datetime | None:
        """Return when the last of the schedules that are active then ends."""
        return max((one.end for one in self._once if one.is_active(at)), default=None)

    def next_schedule(self, at: datetime) -> datetime | None:
        """Return when the next schedule begins, of those that are not daily."""
        return min((one.start for one in self._once if one.start > at), default=None)

    def export_limit_w(self, at: datetime) -> int | None:
        """Return the lowest limit of the export that is active then, W."""
        active = (one.max_export_w for one in self.envelopes or () if one.is_active(at))
        return min((watts for watts in active if watts is not None), default=None)

    @property
    def _once(self) -> tuple[Schedule, ...]:
        return () if self.schedules is None else self.schedules.once

    def limit(self, value: Callable[[Limits], float | None]) -> float | None:
        """Return a limit from the configuration, or else from the static data."""
        for limits in (self.configuration, self.static):
            if limits is not None and (found := value(limits)) is not None:
                return found
        return None


NO_DETAILS = Details()
