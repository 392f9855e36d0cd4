"""Tests of the stand-ins for the Supervisor and for Core."""
