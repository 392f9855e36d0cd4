"""What people otherwise set up by hand in Home Assistant, made of the inverters that are known.

energy.py     the Energy dashboard
dashboard.py  a dashboard of Redback's own
words.py      what both say of a Core that does not do it
"""

from .dashboard import DashboardSetup
from .energy import EnergySetup

__all__ = ["DashboardSetup", "EnergySetup"]
