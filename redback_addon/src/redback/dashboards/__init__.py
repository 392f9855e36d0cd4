"""Sets up for people what they would otherwise set up by hand in Home Assistant.

energy.py     the Energy dashboard
dashboard.py  a dashboard of Redback's own
words.py      sentences about a Core that does not do it
"""

from .dashboard import DashboardSetup
from .energy import EnergySetup

__all__ = ["DashboardSetup", "EnergySetup"]
