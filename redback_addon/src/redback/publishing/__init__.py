"""Shows values in Home Assistant."""
