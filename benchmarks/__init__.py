"""Measurements against named peers in the same run, as ratios, and against the project's goals."""
