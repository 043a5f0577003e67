"""What evaluation found: every model on the same held-out rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from millrace.documents import Document

HIGHER_IS_BETTER: dict[str, bool] = {
    "roc_auc": True,
    "pr_auc": True,
    "log_loss": False,
    "brier": False,
    "calibration_error": False,
    "lift_at_10": True,
    "rmse": False,
    "mae": False,
    "pinball": False,
    "coverage_error": False,
}
IN_UNIT_OF_LABEL = ("rmse", "mae", "pinball")
"""Metrics that say something only beside how large labels are."""


def leading(metrics: Iterable[str]) -> str | None:
    """Return the metric by which a model is known, of those that it has; None if it has none."""
    known = list(metrics)
    return next((name for name in ("roc_auc", "rmse", *known) if name in known), None)


class Estimate(Document):
    """A number with its 95 % bootstrap interval, which always holds the number itself."""

    value: float
    low: float
    high: float


class Curve(Document):
    """Points of a curve, thinned to at most 200."""

    x: list[float]
    y: list[float]


class ModelResult(Document):
    """One model on the held-out rows."""

    name: str
    """`candidate`, `champion`, or a baseline's, such as `gradient_boosting`."""
    role: Literal["candidate", "champion", "baseline"]
    digest: str | None = None
    """Bundle digest of the champion, model digest of the candidate."""
    metrics: dict[str, Estimate]
    """On all test rows; the champion's on those that it had not trained on, as are its curves."""
    roc: Curve | None = None
    """False positive rate, true positive rate; of classes only."""
    precision_recall: Curve | None = None
    """Recall, precision; of classes only."""
    calibration: Curve
    """Mean prediction and mean label, or observed rate, of ten bins of equally many rows."""
    coverage: Curve | None = None
    """Level of each predicted quantile and share of labels at or below it; if there are any."""


class Comparison(Document):
    """The candidate against another model, row by row paired."""

    other: str
    metric: str
    difference: Estimate
    """Candidate minus other, signed so that positive is better."""


class SliceGroup(Document):
    """The candidate on one group of a slice."""

    group: str
    rows: int
    positives: int | None = None
    """Rows of the positive class; None if labels are numbers."""
    metrics: dict[str, Estimate]


class SliceResult(Document):
    """The candidate on the groups of one slice."""

    slice: str
    groups: list[SliceGroup]
    gaps: dict[str, Estimate]
    """Metric: greatest difference between two groups that are large enough to tell.

    Its interval holds for all pairs of groups at once; empty if fewer than two are large enough.
    """
    left_out: list[str] = []
    """Groups too small to tell anything."""


class PeriodResult(Document):
    """Every model on one period of the test window."""

    start: str
    end: str
    rows: int
    mean_label: float
    """Rate of positives, or mean of the numbers that are predicted."""
    scores: dict[str, Estimate]
    """By the model's name, in the metric that `leading` names; without one that had trained on it.
    """


class Evaluation(Document):
    """What evaluation found; `models[0]` is the candidate."""

    rows: int
    positives: int | None = None
    """Rows of the positive class; None if labels are numbers."""
    models: list[ModelResult]
    comparisons: list[Comparison]
    slices: list[SliceResult]
    periods: list[PeriodResult] = []
    """The test window from one period to the next; empty if it is not told apart."""
    excluded: int = 0
    """Test rows left out of the comparison with the champion because it had trained on them."""
    champion_problem: str | None = None
    """Why the candidate cannot be compared with the champion that there is; None if it can."""
    champion_bins: list[int] | None = None
    """Compared rows in each of the champion's score bins, as the champion scores them."""
    candidate_bins: list[int] | None = None
    """Compared rows in each of the champion's score bins, as the candidate scores them."""
    parity: float
    """Greatest difference between ONNX and torch over the test rows.

    It is relative to numbers of torch that are beyond 1, as no probability is; the greatest finite
    number (`sys.float_info.max`) if torch answers no number, since JSON has no infinity.
    """
    parity_row: int | None = None
    """Row of test.parquet with that difference."""
    latency: dict[str, float]
    """Seconds for one row, one thread, in the quietest of some rounds: `p50` and `p99`."""
    model_size: int
    """Bytes of model.onnx."""

    def model(self, role: str) -> ModelResult | None:
        """Return the first model of a role or name, if there is one."""
        return next((m for m in self.models if role in (m.role, m.name)), None)
