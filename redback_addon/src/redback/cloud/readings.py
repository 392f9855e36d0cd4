"""One call for readings: try the routes until each inverter has its reading or its error."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from urllib.parse import quote

from ..tracebacks import without_traceback
from .api import Api
from .errors import WHOLE_ACCOUNT, CloudError, NotFoundError, TransientError
from .matching import Sites, match, own
from .models import Dynamic
from .routes import LEAST_SHARE, TROUBLES, Route, Routes, is_refusal
from .transport import Deadline

# Looking for a better route must not hold up the readings of many inverters.
_MOST_PROBES = 3


@dataclass(frozen=True, slots=True)
class Round:
    """One call for readings, by the rules of `routes`; the deadline is of all requests together."""

    api: Api
    routes: Routes
    sites: Sites
    deadline: Deadline
    _outcomes: dict[str, Dynamic | CloudError] = field(default_factory=dict)

    def run(self, serials: Iterable[str]) -> dict[str, Dynamic | CloudError]:
        """Return the reading of each inverter, as `RedbackClient.dynamic` has it."""
        wanted = tuple(dict.fromkeys(serials))
        try:
            for group, routes in self.routes.groups(wanted):
                self._read_group(group, routes)
            self._probe(wanted)
        except WHOLE_ACCOUNT as error:
            if not any(isinstance(outcome, Dynamic) for outcome in self._outcomes.values()):
                raise
            without_traceback(error)
            return {serial: self._outcomes.get(serial, error) for serial in wanted}
        return {serial: self._outcomes[serial] for serial in wanted}

    def _read_group(self, group: tuple[str, ...], routes: tuple[Route, ...]) -> None:
        above: CloudError | None = None
        for route, below in zip_longest(routes, routes[1:]):
            if route.is_multiple:
                group, above = self._try_together(route, group)
                if above is not None and below is not route.single:
                    group, above = self._blame_all(route, group, above), None
            else:
                group, above = self._try_singly(route, group, above), None
            if not group:
                return
        for serial in group:
            self._outcomes[serial] = self.routes.verdict(serial) or self._outcomes[serial]

    def _try_together(
        self, route: Route, group: tuple[str, ...]
    ) -> tuple[tuple[str, ...], CloudError | None]:
        """Ask a Multiple route; return the inverters to ask for elsewhere, and why."""
        try:
            # One of them may be why it takes too long; then there is still time for the others.
            share = self.deadline.share(2) if len(group) > 1 else self.deadline
            readings = self._ask_together(route, group, share)
        except WHOLE_ACCOUNT:
            raise
        except CloudError as error:
            without_traceback(error)
            if isinstance(error, TransientError) and not error.arrived:
                # More requests would not arrive either.
                return self._blame_all(route, group, error), None
            return group, error
        self._outcomes.update(readings)
        self.routes.served(readings.keys(), route)
        left = tuple(serial for serial in group if serial not in readings)
        detail = "the cloud left this inverter out of its answer"
        lacking = NotFoundError(detail, method="POST", url=route.base)
        return left, lacking if left else None

    def _try_singly(
        self, route: Route, group: tuple[str, ...], above: CloudError | None
    ) -> tuple[str, ...]:
        """Ask a single route; return the inverters that it refuses.

        If the Multiple form was asked (`above` is its error), its refusal is attributed to those
        that are refused here too.
        """
        read: list[str] = []
        refused: dict[str, CloudError] = {}
        troubles = 0
        for number, serial in enumerate(self.routes.order(group)):
            share = self.deadline.share(len(group) - number, LEAST_SHARE)
            try:
                self._outcomes[serial] = self._ask_alone(route, serial, share)
            except WHOLE_ACCOUNT:
                raise
            except CloudError as error:
                self._outcomes[serial] = without_traceback(error)
                if is_refusal(error):
                    refused[serial] = error
                    continue
                self.routes.failed(serial)
                troubles += 1
                if troubles == TROUBLES and not read and isinstance(above, TransientError):
                    # It is the cloud, not one inverter.
                    return self._blame_all(route, group, above)
            else:
                read.append(serial)
        is_the_route = above is None
        if above is not None and is_refusal(above):
            is_the_route = not refused
            for serial in refused:
                self.routes.refused(serial, route.multiple, above)
        for serial, refusal in refused.items():
            self.routes.refused(serial, route, refusal)
        self.routes.served(read, route, is_best=is_the_route)
        return tuple(refused)

    def _blame_all(
        self, route: Route, group: tuple[str, ...], error: CloudError
    ) -> tuple[str, ...]:
        """Record a Multiple's error for each inverter; return those to ask for elsewhere."""
        self._outcomes.update(dict.fromkeys(group, error))
        if not is_refusal(error):
            return ()
        for serial in group:
            self.routes.refused(serial, route, error)
        return group

    def _probe(self, serials: Iterable[str]) -> None:
        due = [
            serial
            for serial in serials
            if isinstance(self._outcomes[serial], Dynamic) and self.routes.probes(serial)
        ]
        for serial in due[:_MOST_PROBES]:
            if self.deadline.left() > 0 and not self._find_better(serial):
                self.routes.probed(serial)

    def _find_better(self, serial: str) -> bool:
        for route in self.routes.probes(serial):
            share = self.deadline.share(2)
            try:
                if route.is_multiple:
                    reading = self._ask_together(route, (serial,), share)[serial]
                else:
                    reading = self._ask_alone(route, serial, share)
            except WHOLE_ACCOUNT:
                raise
            except (CloudError, KeyError):  # KeyError: the answer is without this inverter
                continue
            self._outcomes[serial] = reading
            self.routes.served([serial], route)
            return True
        return False

    def _ask_together(
        self, route: Route, serials: Sequence[str], deadline: Deadline
    ) -> dict[str, Dynamic]:
        """Return the readings that are surely an inverter's own (dossier 3.4, Multiple)."""
        path = f"{route.base}/Multiple/BySerialNumber/Dynamic"
        answer = self.api.ask(path, deadline, method="POST", json=serials, may_repeat=True)
        return match(map(self.api.decoder.dynamic, answer.elements()), serials, self.sites)

    def _ask_alone(self, route: Route, serial: str, deadline: Deadline) -> Dynamic:
        path = f"{route.base}/Dynamic/BySerialNumber/{quote(serial, safe='')}"
        answer = self.api.ask(path, deadline, may_repeat=True)
        found = self.api.decoder.dynamic(answer.data)
        if found is None and isinstance(answer.data, dict):
            raise answer.broken("its reading has no valid time")
        return own(answer, found, serial, self.sites)
