"""Everything that the panel's section Set up can set up."""

from collections.abc import Mapping

from ..clock import Clock
from ..core import Dashboards, Energy, HomeAssistant
from ..inverters.registry import Registry
from ..publishing.publisher import Way
from .dashboard import DashboardSetup
from .devices import DeviceSetup
from .energy import EnergySetup


def setups(
    home_assistant: HomeAssistant,
    registry: Registry,
    way: Way,
    clock: Clock,
) -> Mapping[str, EnergySetup | DashboardSetup | DeviceSetup]:
    """Return them by the last part of their addresses on the page."""
    websocket, ownership = home_assistant.websocket, way.ownership
    return {
        "energy": EnergySetup(Energy(websocket), registry, ownership),
        "dashboard": DashboardSetup(Dashboards(websocket), registry, ownership),
        "devices": DeviceSetup(home_assistant, way, clock),
    }
