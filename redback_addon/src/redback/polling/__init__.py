"""Polls the cloud: for readings every minute, for details rarely."""
