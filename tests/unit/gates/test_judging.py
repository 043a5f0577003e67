from pathlib import Path
from typing import get_args

import pytest

from millrace.errors import GateFailedError
from millrace.evaluation.result import Estimate
from millrace.gates import judge
from millrace.gates.checks import check
from millrace.workload import Workload
from millrace.workload import gates as declared
from millrace.workload.spec import WorkloadSpec

GATES = [
    {"metric": "roc_auc", "min": 0.82},
    {"metric": "calibration_error", "max": 0.9},
    {"champion": "roc_auc", "margin": 0.02},
    {"slice": "left", "metric": "roc_auc", "gap": 0.05},
    {"latency": "5ms"},
    {"size": "5MB"},
]


def workload(gates):
    spec = WorkloadSpec.model_validate(
        {
            "source": {"kind": "csv", "path": "shop.csv"},
            "contract": {"columns": {"left": {"type": "category"}}},
            "entities": ["customer"],
            "features": ["profile"],
            "target": {"column": "left", "kind": "binary", "positive": "Yes"},
            "split": {"by": "hash"},
            "training": {"module": "model:Net"},
            "slices": ["left"],
            "gates": gates,
        }
    )
    return Workload("shop", Path(), {}, spec)


def test_every_declared_gate_and_every_standing_one_is_judged_in_order(evaluated):
    verdict = judge(workload(GATES), evaluated())
    assert [result.gate for result in verdict.results] == [
        "roc_auc >= 0.82",
        "calibration_error <= 0.9",
        "roc_auc not worse than champion by 0.02",
        "roc_auc gap by left <= 0.05",
        "p99 latency <= 5 ms",
        "model.onnx <= 5 MB",
        "roc_auc not worse than the better baseline by 0.01",
        "ONNX equals torch within 1e-05",
    ]
    outcomes = [result.outcome for result in verdict.results]
    assert outcomes.count("not applicable") == 2
    assert verdict.passed


def test_one_failing_gate_fails_the_verdict_and_is_named(evaluated):
    verdict = judge(workload(GATES), evaluated(0.81, {}))
    assert not verdict.passed
    with pytest.raises(GateFailedError, match=r"shop: 1 of 8 gates failed: roc_auc >= 0.82: 0.810"):
        verdict.require_passed("shop")


def test_a_workload_without_gates_still_stands_before_champion_baseline_and_parity(evaluated):
    worse = Estimate(value=-0.1, low=-0.2, high=-0.05)
    others = {"champion": 0.95, "logistic_regression": 0.95}
    found = evaluated(0.85, others, dict.fromkeys(others, worse), parity=0.5)
    verdict = judge(workload([]), found)
    assert [result.outcome for result in verdict.results] == ["fail", "fail", "fail"]


def test_every_kind_of_gate_that_can_be_declared_has_a_check():
    union = get_args(declared.Gate)[0]
    kinds = [get_args(member)[0] for member in get_args(union)]
    assert len(kinds) == 7
    assert all(kind in check.registry for kind in kinds)
