"""The ways in which the stand-in for the Supervisor can be made to fail."""

import asyncio
from dataclasses import dataclass, replace
from typing import Self

from aiohttp import web


@dataclass(frozen=True)
class Faults:
    """What goes wrong with each request, until changed; as made, nothing does.

    It is answered with a status in plain text (401 and 502 are what a Supervisor gives) or cut
    without an answer, after a delay. At most `times` of them; None means every one.
    """

    status: int | None = None
    drop: bool = False
    delay_s: float = 0.0
    times: int | None = None

    @property
    def active(self) -> bool:
        """Whether the next request will suffer."""
        broken = self.status is not None or self.drop or self.delay_s > 0
        return broken and self.times != 0

    def after_one(self) -> Self:
        """What is left of the faults once a request has suffered them."""
        return self if self.times is None else replace(self, times=self.times - 1)

    async def inflict(self, request: web.Request) -> web.Response | None:
        """Wait, cut off or answer as set; None means that the request may go on."""
        await asyncio.sleep(self.delay_s)
        if self.drop:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if self.status is not None:
            return web.Response(status=self.status, text=f"{self.status}: set to fail")
        return None
