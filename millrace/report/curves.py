"""How well the models rank and how far what they predict can be trusted, as curves."""

from __future__ import annotations

from collections.abc import Callable

from millrace.evaluation.result import Curve, Evaluation, ModelResult
from millrace.report import text
from millrace.report.chart import Chart, Frame, Line
from millrace.report.scale import Scale, scale_around, ticks
from millrace.report.series import series_of

UNIT = Frame(Scale(0.0, 1.0), Scale(0.0, 1.0))


def curves(evaluation: Evaluation) -> list[Chart]:
    """Return the curves that have points.

    Classes have ROC, precision-recall and calibration, numbers predicted against observed, and
    the coverage of their quantiles.
    """
    if evaluation.positives is None:
        made = [_observed(evaluation), _coverage(evaluation)]
    else:
        made = [
            _roc(evaluation),
            _precision_recall(evaluation, evaluation.positives),
            _calibration(evaluation),
        ]
    return [chart for chart in made if chart.lines]


def _roc(evaluation: Evaluation) -> Chart:
    lines = _lines(evaluation, UNIT, lambda model: model.roc, "roc_auc")
    return Chart(
        key="roc",
        title="ROC",
        description="True positive rate over false positive rate. " + _said(lines, "area"),
        x_label="false positive rate",
        y_label="true positive rate",
        x_ticks=UNIT.x_ticks(),
        y_ticks=UNIT.y_ticks(),
        lines=lines,
        guides=[UNIT.guide((0, 0), (1, 1), "chance", shift=(-72, 68), anchor="start")],
        caption="Nearer to the upper left corner is better; the legend gives the area.",
    )


def _precision_recall(evaluation: Evaluation, positives: int) -> Chart:
    lines = _lines(evaluation, UNIT, lambda model: model.precision_recall, "pr_auc")
    rate = positives / evaluation.rows if evaluation.rows else 0.0
    return Chart(
        key="pr",
        title="Precision and recall",
        description="Precision over recall. " + _said(lines, "area"),
        x_label="recall",
        y_label="precision",
        x_ticks=UNIT.x_ticks(),
        y_ticks=UNIT.y_ticks(),
        lines=lines,
        guides=[
            UNIT.guide(
                (1, rate), (0, rate), f"chance {text.percent(rate)}", shift=(5, -5), anchor="start"
            )
        ],
        caption="Nearer to the upper right corner is better; the legend gives the area.",
    )


def _calibration(evaluation: Evaluation) -> Chart:
    found = [model.calibration for model in evaluation.models]
    reach = max((v for c in found for v in (*c.x, *c.y) if v <= 1), default=1.0)
    top = next((t for t in ticks(0, 1, 10) if t >= reach and t > 0), 1.0)
    frame = Frame(Scale(0.0, top), Scale(0.0, top))
    lines = _lines(
        evaluation, frame, lambda model: model.calibration, "calibration_error", mark=True
    )
    return Chart(
        key="calibration",
        title="Calibration",
        description="Observed rate over mean prediction. " + _said(lines, "error"),
        x_label="mean prediction",
        y_label="observed rate",
        x_ticks=frame.x_ticks(),
        y_ticks=frame.y_ticks(),
        lines=lines,
        guides=[frame.guide((0, 0), (top, top), "")],
        caption="On the dotted line, what is predicted happens; the legend gives the error.",
    )


def _observed(evaluation: Evaluation) -> Chart:
    found = [model.calibration for model in evaluation.models]
    scale = scale_around(value for curve in found for value in (*curve.x, *curve.y))
    frame = Frame(scale, scale)
    lines = _lines(evaluation, frame, lambda model: model.calibration, "rmse", mark=True)
    return Chart(
        key="observed",
        title="Predicted against observed",
        description="Mean label over mean prediction, in ten groups of equally many rows from low "
        "to high prediction. " + _said(lines, "RMSE"),
        x_label="mean prediction",
        y_label="mean label",
        x_ticks=frame.x_ticks(),
        y_ticks=frame.y_ticks(),
        lines=lines,
        guides=[frame.guide((scale.low, scale.low), (scale.high, scale.high), "")],
        caption="On the dotted line, what is predicted happens; the legend gives the RMSE.",
    )


def _coverage(evaluation: Evaluation) -> Chart:
    lines = _lines(evaluation, UNIT, lambda model: model.coverage, "coverage_error", mark=True)
    return Chart(
        key="coverage",
        title="Coverage of the quantiles",
        description="Share of labels at or below a predicted quantile, over its level. "
        + _said(lines, "error"),
        x_label="level of the quantile",
        y_label="share of labels at or below it",
        x_ticks=UNIT.x_ticks(),
        y_ticks=UNIT.y_ticks(),
        lines=lines,
        guides=[UNIT.guide((0, 0), (1, 1), "")],
        caption="On the dotted line, quantiles hold what they say; the legend gives the error.",
    )


def _lines(
    evaluation: Evaluation,
    frame: Frame,
    curve: Callable[[ModelResult], Curve | None],
    metric: str,
    *,
    mark: bool = False,
) -> list[Line]:
    looks = series_of(evaluation.models)
    made = []
    for model in evaluation.models:
        estimate = model.metrics.get(metric)
        note = text.number(estimate.value) if estimate else ""
        points = curve(model)
        if points is not None:
            made.append(frame.line(looks[model.name], points.x, points.y, mark=mark, note=note))
    return [line for line in made if line.points]


def _said(lines: list[Line], noun: str) -> str:
    """Return the legend as a sentence."""
    told = [f"{line.series.label} {line.note}".strip() for line in lines]
    return f"By {noun}: {', '.join(told)}." if told else ""
