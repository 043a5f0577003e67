"""Traffic for demonstrations, tests and benchmarks."""
