"""Stand-ins for the Supervisor and for Core, and a harness for a real Core."""
