"""Details of an inverter: facts that rarely change."""

from collections.abc import Callable
from dataclasses import dataclass

from ..cloud import Configuration, Limits, Static


@dataclass(frozen=True, slots=True)
class Details:
    """Facts that rarely change, passed around as one object; None = not known yet.

    A new kind of fact is a field here and a request in polling/details.py.
    """

    static: Static | None = None
    configuration: Configuration | None = None

    @property
    def site_id(self) -> str | None:
        """The site that the inverter belongs to."""
        return None if self.static is None else self.static.site_id

    def limit(self, value: Callable[[Limits], float | None]) -> float | None:
        """Return a limit from the configuration, or else from the static data."""
        for limits in (self.configuration, self.static):
            if limits is not None and (found := value(limits)) is not None:
                return found
        return None


NO_DETAILS = Details()
