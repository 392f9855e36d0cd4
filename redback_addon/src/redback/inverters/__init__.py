"""The inverters: latest readings, believed counters, and names."""
