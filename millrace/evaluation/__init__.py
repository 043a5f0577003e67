"""Score candidate, champion and plain baselines on the same held-out rows."""
