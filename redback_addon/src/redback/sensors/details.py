"""What is known of an inverter beside its readings."""

from collections.abc import Callable
from dataclasses import dataclass

from ..cloud import Configuration, Limits, Static


@dataclass(frozen=True, slots=True)
class Details:
    """What seldom changes, carried along as one thing; None = not known yet.

    A new kind of fact is a field here, and asked for in polling/details.py.

    Attributes:
        static: what the inverter is.
        configuration: how it is set.
    """

    static: Static | None = None
    configuration: Configuration | None = None

    @property
    def site_id(self) -> str | None:
        """The site that the inverter belongs to."""
        return None if self.static is None else self.static.site_id

    def limit(self, value: Callable[[Limits], float | None]) -> float | None:
        """Look into the configuration, and where that says nothing into the static data."""
        for limits in (self.configuration, self.static):
            if limits is not None and (found := value(limits)) is not None:
                return found
        return None


NO_DETAILS = Details()
