"""When the cloud is polled: for readings each minute, for details seldom."""
