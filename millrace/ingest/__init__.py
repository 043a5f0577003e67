"""Read a source for a time window into a snapshot."""
