"""The workload that a team declares: its specification, its folder and its code."""

from millrace.workload.load import Workload, load_workload
from millrace.workload.spec import WorkloadSpec

__all__ = ["Workload", "WorkloadSpec", "load_workload"]
