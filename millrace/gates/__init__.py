"""Decide whether a candidate may be registered."""

from millrace.gates.judging import judge
from millrace.gates.verdict import GateResult, Verdict

__all__ = ["GateResult", "Verdict", "judge"]
