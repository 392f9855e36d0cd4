"""When the cloud is asked, and in which order: readings each minute, details seldom."""
