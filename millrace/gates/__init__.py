"""Decide whether a candidate may be registered."""
