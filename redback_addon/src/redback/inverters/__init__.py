"""What is known of each inverter: its latest reading, its counters and its name."""
