"""That errors leave nothing to Python's garbage collector, whatever was asked."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from cloud.bench import ROUTES, START, A, B, Cloud
from garbage import collected
from redback.cloud import CloudError

BEST, NEXT, THIRD, LAST = "v2.21 multiple", "v2.21 single", "v2 multiple", "v2 single"


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize("routes", [(BEST,), (BEST, NEXT), (BEST, NEXT, THIRD, LAST)])
def test_inverters_that_cannot_be_read_leave_nothing_behind(
    cloud: Cloud, routes: tuple[str, ...], status: int
) -> None:
    cloud.faults |= {(route, A): status for route in routes}
    with collected() as kinds:
        for _ in range(3):
            cloud.client.dynamic([A, B], 45)
    assert not [kind for kind in kinds if kind.endswith("Error")]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
def test_questions_that_fail_leave_nothing_behind(cloud: Cloud, status: int) -> None:
    cloud.answers = dict.fromkeys(ROUTES, lambda _: (status, {}, "<html>"))
    questions: list[Callable[[], object]] = [
        cloud.client.inverters,
        lambda: cloud.client.dynamic([A, B], 45),
        lambda: cloud.client.history(A, START, START + timedelta(hours=1)),
        lambda: cloud.client.static(A),
        lambda: cloud.client.configurations([A, B]),
    ]
    with collected() as kinds:
        for question in 3 * questions:
            with suppress(CloudError):
                question()
    assert not [kind for kind in kinds if kind.endswith("Error")]
