"""Tests of the simulated Redback cloud itself."""
