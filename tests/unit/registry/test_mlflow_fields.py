"""MLflow is told what is known of a model, whether it predicts a class or a number."""

from __future__ import annotations

import pytest

from millrace.evaluation.result import Curve, Estimate, Evaluation, ModelResult
from millrace.registry.mlflow_fields import flat_metrics, own_metrics


@pytest.mark.parametrize("positives", [None, 3])
def test_only_classes_have_positive_rows(positives: int | None) -> None:
    metric = "rmse" if positives is None else "roc_auc"
    model = ModelResult(
        name="candidate",
        role="candidate",
        metrics={metric: Estimate(value=0.5, low=0.4, high=0.6)},
        calibration=Curve(x=[], y=[]),
    )
    figures = flat_metrics(
        Evaluation(
            rows=9,
            positives=positives,
            models=[model],
            comparisons=[],
            slices=[],
            parity=0.0,
            latency={},
            model_size=1,
        )
    )
    assert figures.get("evaluation.positives") == positives
    assert own_metrics(figures) == {metric: 0.5}
