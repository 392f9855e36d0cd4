"""Files that outlive a restart."""
