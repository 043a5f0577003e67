"""Assemble point-in-time correct training sets, split so that no test row was ever trained on."""
