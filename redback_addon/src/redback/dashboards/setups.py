"""Everything that the panel's section Set up can set up."""

from collections.abc import Mapping

from ..clock import Clock
from ..core import Dashboards, HomeAssistant
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
    ownership = way.ownership
    return {
        "energy": EnergySetup(home_assistant.energy, registry, ownership),
        "dashboard": DashboardSetup(Dashboards(home_assistant.websocket), registry, ownership),
        "devices": DeviceSetup(home_assistant, way, clock),
    }
