"""Compute features, define them in Feast and bring them to the offline and online store."""
