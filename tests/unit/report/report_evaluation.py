"""An evaluation of the churn workload, and the verdict on it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from report_documents import digest

from millrace.evaluation.result import (
    HIGHER_IS_BETTER,
    Comparison,
    Curve,
    Estimate,
    Evaluation,
    ModelResult,
    SliceGroup,
    SliceResult,
)
from millrace.gates.verdict import GateResult, Verdict

METRICS = {
    "roc_auc": (0.846, 0.019),
    "pr_auc": (0.651, 0.038),
    "log_loss": (0.4131, 0.021),
    "brier": (0.1349, 0.0081),
    "calibration_error": (0.0242, 0.0072),
    "lift_at_10": (2.82, 0.19),
}


def estimate(value: float, half: float) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half * 0.95)


def model(name: str, role: str, shift: float, digest: str | None = None) -> ModelResult:
    noise = random.Random(name)
    xs = [n / 120 for n in range(121)]
    power = 0.26 - shift
    return ModelResult(
        name=name,
        role=role,
        digest=digest,
        metrics={
            metric: estimate(value + shift * (1 if HIGHER_IS_BETTER[metric] else -1), half)
            for metric, (value, half) in METRICS.items()
        },
        roc=Curve(x=xs, y=[x**power for x in xs]),
        precision_recall=Curve(x=xs, y=[0.265 + 0.68 * (1 - x) ** (0.62 - 4 * shift) for x in xs]),
        calibration=Curve(
            x=[0.01, 0.03, 0.06, 0.11, 0.17, 0.25, 0.35, 0.46, 0.58, 0.76],
            y=[
                max(0.0, p + noise.uniform(-0.03, 0.03))
                for p in (0.01, 0.02, 0.06, 0.12, 0.16, 0.27, 0.34, 0.45, 0.6, 0.75)
            ],
        ),
    )


def comparison(other: str, metric: str, value: float, half: float) -> Comparison:
    return Comparison(other=other, metric=metric, difference=estimate(value, half))


def evaluation(*, champion: bool = True, shift: float = 0.0) -> Evaluation:
    others = [
        model("logistic_regression", "baseline", -0.004),
        model("gradient_boosting", "baseline", -0.011),
    ]
    if champion:
        others.insert(0, model("champion", "champion", -0.003, digest("bundle 7")))
    comparisons = [
        comparison(
            other.name, metric, (shift + 0.004) * (10 if metric == "lift_at_10" else 1), half / 3
        )
        for other in others
        for metric, (_, half) in METRICS.items()
    ]
    edges = [0.01, 0.02, 0.04, 0.07, 0.11, 0.16, 0.22, 0.3, 0.4, 0.5, 0.6, 0.7]
    theirs = [118, 101, 140, 132, 128, 121, 114, 118, 120, 108, 96, 70, 41]
    assert len(theirs) == len(edges) + 1
    return Evaluation(
        rows=1407,
        positives=373,
        models=[model("candidate", "candidate", shift, digest("model 8")), *others],
        comparisons=comparisons,
        slices=[
            slice_of("gender", {"Female": (690, 180, 0.851), "Male": (717, 193, 0.84)}),
            slice_of("SeniorCitizen", {"0": (1180, 279, 0.852), "1": (227, 94, 0.781)}, ("2",)),
        ],
        excluded=12 if champion else 0,
        champion_bins=theirs if champion else None,
        candidate_bins=[n + (-1) ** i * 7 * (i < 12) for i, n in enumerate(theirs)]
        if champion
        else None,
        parity=3.6e-7,
        parity_row=811,
        latency={"p50": 1.1e-5, "p99": 2.4e-5},
        model_size=41_203,
    )


def slice_of(
    name: str, groups: dict[str, tuple[int, int, float]], left_out: tuple[str, ...] = ()
) -> SliceResult:
    values = [auc for _, _, auc in groups.values()]
    return SliceResult(
        slice=name,
        groups=[
            SliceGroup(
                group=group,
                rows=rows,
                positives=positives,
                metrics={
                    "roc_auc": estimate(auc, 0.6 / math.sqrt(rows)),
                    "pr_auc": estimate(auc - 0.19, 1 / math.sqrt(rows)),
                    "log_loss": estimate(1.26 - auc, 0.5 / math.sqrt(rows)),
                    "brier": estimate(0.98 - auc, 0.2 / math.sqrt(rows)),
                },
            )
            for group, (rows, positives, auc) in groups.items()
        ],
        gaps={"roc_auc": Estimate(value=max(values) - min(values), low=0.001, high=0.098)},
        left_out=list(left_out),
    )


def verdict(failing: Mapping[str, str] | None = None, *, champion: bool = True) -> Verdict:
    told = {
        "roc_auc >= 0.82": "0.846 (95 % interval 0.827 to 0.864)",
        "calibration_error <= 0.06": "0.024 (95 % interval 0.017 to 0.031)",
        "roc_auc not worse than champion by 0.01": (
            "+0.004 (95 % interval -0.002 to +0.010)" if champion else "there is no champion yet"
        ),
        "roc_auc not worse than the better baseline by 0.01": (
            "+0.004 against logistic_regression (95 % interval -0.002 to +0.010)"
        ),
        "roc_auc gap of gender <= 0.05": "0.011 (95 % interval 0.001 to 0.049)",
        "roc_auc gap of SeniorCitizen <= 0.1": "0.071 (95 % interval 0.001 to 0.098)",
        "parity with torch <= 1e-05": "3.6e-07 at test row 811",
        "latency p99 <= 5ms": "24 µs, median 11 µs",
        "size <= 5MB": "41.2 kB",
    }
    return Verdict(
        results=[
            GateResult(
                gate=gate,
                outcome="fail"
                if failing and gate in failing
                else "not applicable"
                if "no champion" in evidence
                else "pass",
                evidence=(failing or {}).get(gate, evidence),
                value=0.5,
                limit=0.4,
            )
            for gate, evidence in told.items()
        ]
    )
