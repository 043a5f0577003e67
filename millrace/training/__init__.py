"""Fit the workload's torch module."""
