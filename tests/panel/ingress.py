"""The panel of a running service behind the ingress of a real Home Assistant Core.

Core's own Supervisor integration forwards what a browser asks for to the stand-in for the
Supervisor, and that to the panel.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from panel.visitor import Visitor, running
from standin.real_core import RealCore, temporary_core
from standin.supervisor import CoreAddress, Supervisor

TOKEN = "x4Vt9"
_NO_CORE = CoreAddress("http://127.0.0.1:1", "")


@dataclass(frozen=True)
class Ingress:
    """Core, the Supervisor that it talks to, and somebody who has opened the page there.

    The service has another Supervisor, in front of Core.
    """

    core: RealCore
    supervisor: Supervisor
    person: Visitor

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        return f"{self.core.url}/api/hassio_ingress/{TOKEN}/"


@asynccontextmanager
async def ingress() -> AsyncIterator[Ingress]:
    """Start a Core and a service, and open the page in the side bar."""
    async with (
        Supervisor(_NO_CORE) as supervisor,
        temporary_core(supervisor=supervisor.url) as core,
        running(core=core.address, options={"history_days": 0}) as inside,
    ):
        supervisor.ingress[TOKEN] = inside.home.panel_url
        supervisor.visitor = await core.owner()
        async with Visitor(inside.home, f"{core.url}/api/hassio_ingress/{TOKEN}") as person:
            yield Ingress(core, supervisor, person)
