"""Readings of Redback Technologies inverters as states of Home Assistant."""
