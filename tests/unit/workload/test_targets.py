"""What a workload predicts, a class or a number, decides what may be asked of its model."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from millrace.errors import WorkloadError
from millrace.workload import Workload, load_workload
from millrace.workload.gates import BaselineGate, ChampionGate, MetricName, ParityGate
from millrace.workload.target import BINARY_METRICS, NUMBER_METRICS, QUANTILE_METRICS

NUMBER = """\
apiVersion: millrace.dev/v1alpha1
kind: Workload
metadata: {name: deliveries}
spec:
  source: {kind: csv, path: deliveries.csv}
  contract:
    columns:
      courier: {type: string}
      late: {type: category, in: ["yes", "no"]}
      distance: {type: number}
      minutes: {type: integer, nullable: true}
  entities: [courier]
  features: [profile]
  target: {column: minutes, kind: regression, quantiles: [0.1, 0.9]}
  split: {by: hash}
  training: {module: model:Net}
  gates:
    - {metric: rmse, max: 5}
    - {metric: coverage_error, max: 0.05}
"""


def declared(folder: Path, old: str = "", new: str = "") -> Workload:
    assert old in NUMBER
    (folder / "workload.yaml").write_text(NUMBER.replace(old, new, 1))
    return load_workload(folder)


def fault(folder: Path, old: str, new: str) -> str:
    with pytest.raises(WorkloadError) as raised:
        declared(folder, old, new)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_a_number_with_quantiles_can_be_declared(tmp_path: Path) -> None:
    target = declared(tmp_path).spec.target
    assert target.kind == "regression"
    assert target.quantiles == [0.1, 0.9]
    assert target.meaning == "the number minutes and its quantiles 0.1, 0.9"


def test_a_candidate_for_a_number_must_be_no_worse_in_rmse_though_nothing_says_so(
    tmp_path: Path,
) -> None:
    gates = declared(tmp_path).spec.all_gates()[2:]
    assert gates == [
        ChampionGate(champion="rmse"),
        BaselineGate(baseline="rmse"),
        ParityGate(parity=1e-4),
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "column: minutes, kind",
            "column: late, kind",
            "spec.target.column: 'late' is not a column of type integer or number; "
            "expected one of distance, minutes",
        ),
        (
            "kind: regression",
            "kind: regression, positive: '3'",
            "unknown key 'spec.target.positive'; expected one of column, kind, quantiles",
        ),
        ("kind: regression", "kind: regresion", "did you mean 'regression'?"),
        ("[0.1, 0.9]", "[0.9, 0.1]", "spec.target.quantiles: quantiles ascend"),
        ("[0.1, 0.9]", "[0.5, 0.5]", "spec.target.quantiles: quantiles ascend"),
        ("[0.1, 0.9]", "[0.1, 1]", "spec.target.quantiles[1]: input should be less than 1"),
        ("[0.1, 0.9]", "[0, 0.5]", "spec.target.quantiles[0]: input should be greater than 0"),
        (
            "module: model:Net",
            "module: model:Net, class_weight: balanced",
            "spec.training.class_weight: 'balanced' is not for a number",
        ),
        (
            "metric: rmse, max: 5",
            "metric: roc_auc, min: 0.8",
            "spec.gates[0].metric: 'roc_auc' is not a metric of the target, which is the number "
            "minutes and its quantiles 0.1, 0.9; expected one of rmse, mae, pinball, "
            "coverage_error",
        ),
        (
            "metric: rmse, max: 5",
            "champion: brier",
            "spec.gates[0].champion: 'brier' is not a metric of the target",
        ),
        (
            "metric: rmse, max: 5",
            "baseline: log_loss",
            "spec.gates[0].baseline: 'log_loss' is not a metric of the target",
        ),
        (
            ", quantiles: [0.1, 0.9]",
            "",
            "spec.gates[1].metric: 'coverage_error' is not a metric of the target, which is the "
            "number minutes; expected one of rmse, mae",
        ),
    ],
)
def test_what_does_not_fit_a_number_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert told in fault(tmp_path, old, new)


def test_a_gate_for_numbers_does_not_fit_classes(tmp_path: Path) -> None:
    told = fault(
        tmp_path,
        "column: minutes, kind: regression, quantiles: [0.1, 0.9]",
        "column: late, kind: binary, positive: 'yes'",
    )
    assert "spec.gates[0].metric: 'rmse' is not a metric of the target" in told
    assert "the probability that late is yes; expected one of roc_auc, pr_auc" in told


def test_every_metric_that_a_gate_may_name_belongs_to_a_kind_of_target() -> None:
    assert get_args(MetricName) == (*BINARY_METRICS, *NUMBER_METRICS, *QUANTILE_METRICS)
