"""Sets up for people what they would otherwise set up by hand in Home Assistant."""

from .dashboard import DashboardSetup
from .energy import EnergySetup
from .setups import setups
