"""Run a compiled pipeline on this machine: step by step, one run of a workload at a time."""
