"""An inverter's readings, and the table of all sensors."""
