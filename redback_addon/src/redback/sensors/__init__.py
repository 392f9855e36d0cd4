"""What an inverter measures: a reading, and the table of all sensors."""
