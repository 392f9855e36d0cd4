"""What the page asks for when it asks for the energy of a span, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

from .context import Context
from .spans import EARLIEST, Length, Than, local_date
from .status import by_site


class WantedError(Exception):
    """It makes no sense; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which span, compared with what, of which inverters.

    Attributes:
        length: of the span.
        day: one that lies in it.
        than: what it is compared with.
        serials: of the inverters; several are added up.
        is_total: whether some of them are of one site, and may share its meters.
    """

    length: Length
    day: date
    than: Than
    serials: Sequence[str]
    is_total: bool = False


def wanted(context: Context, query: Mapping[str, str]) -> Wanted:
    """Return what a query asks for; by default this day, compared with yesterday, of everything.

    Raises:
        WantedError: it makes no sense.
    """
    serials, is_total = _serials(context, query)
    return Wanted(
        Length(_one_of(query, "period", Length, "day, week, month, year or all")),
        _day(context, query.get("date")),
        Than(_one_of(query, "than", Than, "before or year")),
        serials,
        is_total,
    )


def step(query: Mapping[str, str], length: Length) -> Length | None:
    """Return in parts of what length a span is to be downloaded; None = hours.

    Raises:
        WantedError: not of such a span.
    """
    by = query.get("by", "hour")
    if by == "hour":
        if length is Length.ALL:
            raise WantedError("Hours can be downloaded of a year at most.")
        return None
    if by not in {Length.DAY, Length.MONTH}:
        raise WantedError("By must be hour, day or month.")
    if by == Length.MONTH and length not in {Length.YEAR, Length.ALL}:
        raise WantedError("Months can be downloaded of a year or of all.")
    return Length(by)


def _one_of(
    query: Mapping[str, str], name: str, kinds: type[Length] | type[Than], words: str
) -> str:
    known = [kind.value for kind in kinds]
    text = query.get(name, known[0])
    if text not in known:
        raise WantedError(f"{name.capitalize()} must be {words}.")
    return text


def _day(context: Context, text: str | None) -> date:
    today = local_date(context.clock.now())
    try:
        day = today if text is None else date.fromisoformat(text)
    except ValueError:
        raise WantedError("The date must be one of the calendar, such as 2026-03-24.") from None
    if day > today:
        raise WantedError("This date is in the future.")
    if day < EARLIEST:
        raise WantedError(f"No inverter has data from before {EARLIEST.year}.")
    return day


def _serials(context: Context, query: Mapping[str, str]) -> tuple[Sequence[str], bool]:
    sites = by_site(context)
    if (serial := query.get("serial")) is not None:
        if serial not in context.registry.names:
            raise WantedError("No inverter has this serial number.")
        return (serial,), False
    if (site := query.get("site")) is not None:
        if site not in sites:
            raise WantedError("There is no such site.")
        sites = {site: sites[site]}
    is_total = any(len(serials) > 1 for serials in sites.values())
    return tuple(chain.from_iterable(sites.values())), is_total
