"""How values reach Home Assistant."""
