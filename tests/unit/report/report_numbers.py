"""A run of a workload that predicts a number."""

from __future__ import annotations

from report_documents import dataset, digest, exported
from report_endings import passed
from report_evaluation import comparison, estimate

from millrace.evaluation.result import Curve, Evaluation, ModelResult, SliceGroup, SliceResult
from millrace.export.manifest import ScoreBins, outputs_for
from millrace.gates.verdict import GateResult, Verdict
from millrace.runs.summary import RunSummary

METRICS = {
    "rmse": (4.21, 0.3),
    "mae": (3.3, 0.2),
    "pinball": (0.91, 0.06),
    "coverage_error": (0.021, 0.011),
}
LEVELS = [0.1, 0.9]


def model(name: str, role: str, shift: float, *, quantiles: bool = True) -> ModelResult:
    return ModelResult(
        name=name,
        role=role,
        digest=digest(name) if role != "baseline" else None,
        metrics={
            metric: estimate(value + shift, half)
            for metric, (value, half) in METRICS.items()
            if quantiles or metric in ("rmse", "mae")
        },
        calibration=Curve(
            x=[20 + 4 * n for n in range(10)], y=[20.5 + shift + 4 * n for n in range(10)]
        ),
        coverage=Curve(x=LEVELS, y=[0.12, 0.88]) if quantiles else None,
    )


def evaluation(*, quantiles: bool = True) -> Evaluation:
    others = [
        model("champion", "champion", 0.1, quantiles=quantiles),
        model("ridge_regression", "baseline", 0.5, quantiles=quantiles),
        model("gradient_boosting", "baseline", 0.2, quantiles=quantiles),
    ]
    candidate = model("candidate", "candidate", 0.0, quantiles=quantiles)
    return Evaluation(
        rows=412,
        models=[candidate, *others],
        comparisons=[
            comparison(other.name, metric, 0.1, 0.05)
            for other in others
            for metric in candidate.metrics
        ],
        slices=[
            SliceResult(
                slice="district",
                groups=[
                    SliceGroup(group=name, rows=200, metrics={"rmse": estimate(value, 0.4)})
                    for name, value in {"north": 4.1, "south": 4.5}.items()
                ],
                gaps={"rmse": estimate(0.4, 0.2)},
            )
        ],
        champion_bins=[40, 42, 41],
        candidate_bins=[41, 41, 41],
        parity=2.1e-6,
        parity_row=3,
        latency={"p50": 1.1e-5, "p99": 2.4e-5},
        model_size=9_203,
    )


def verdict() -> Verdict:
    return Verdict(
        results=[
            GateResult(
                gate="rmse not worse than champion by 1 %",
                outcome="pass",
                evidence="+0.1000 (95 % interval +0.0500 to +0.1475) to champion's 4.310, of "
                "which 1 % is 0.0431",
                value=0.05,
                limit=-0.0431,
            )
        ]
    )


def numbers(*, quantiles: bool = True) -> RunSummary:
    levels = LEVELS if quantiles else []
    bins = ScoreBins(edges=[float(22 + 4 * n) for n in range(9)], counts=[41] * 10)
    return passed().model_copy(
        update={
            "headline": "Version 8 of deliveries is registered: RMSE 4.210.",
            "dataset": dataset().model_copy(
                update={"kind": "regression", "positive": None, "positives": None}
            ),
            "exported": exported().model_copy(
                update={
                    "kind": "regression",
                    "outputs": outputs_for(levels),
                    "quantiles": levels,
                    "bins": bins,
                }
            ),
            "evaluation": evaluation(quantiles=quantiles),
            "verdict": verdict(),
        }
    )
