"""Hold an evaluated candidate to all gates of its workload."""

from __future__ import annotations

from millrace.evaluation.result import Evaluation
from millrace.gates.checks import check
from millrace.gates.verdict import Verdict
from millrace.workload import Workload


def judge(workload: Workload, evaluation: Evaluation) -> Verdict:
    """Return the verdict: what each declared and each standing gate says, in their order."""
    return Verdict(results=[check(gate, evaluation) for gate in workload.spec.all_gates()])
