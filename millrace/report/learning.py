"""How training went: the learning curve and what was trained."""

from __future__ import annotations

import math
import sys
from typing import Any

from millrace.export.manifest import ExportManifest
from millrace.report import text
from millrace.report.chart import Chart, Frame
from millrace.report.scale import Scale, scale_around
from millrace.report.series import Series
from millrace.runs.summary import RunSummary
from millrace.training.report import TrainingReport


def learning_curve(training: TrainingReport) -> Chart | None:
    """Return the losses by epoch with the best epoch marked; None if no epoch was finished."""
    losses = [loss for e in training.curve for loss in (e.train_loss, e.validation_loss)]
    if not any(map(math.isfinite, losses)):
        return None
    epochs = [float(e.epoch) for e in training.curve]
    first, last = min(epochs), max(epochs)
    frame = Frame(Scale(first, max(last, first + 1)), scale_around(losses))
    few = len(epochs) <= 3
    guides = []
    best = next((e for e in training.curve if e.epoch == training.best_epoch), None)
    if best is not None:
        at = float(best.epoch)
        early = frame.x(at) < 200
        guide = frame.guide(
            (at, frame.y_scale.low),
            (at, frame.y_scale.high),
            f"best: epoch {best.epoch}",
            shift=(5 if early else -5, 10),
            anchor="start" if early else "end",
        )
        guides.append(guide)
    return Chart(
        key="learning",
        title="Learning curve",
        description=f"Loss over {text.counted(len(epochs), 'epoch')}; "
        f"the best is epoch {training.best_epoch}.",
        x_label="epoch",
        y_label="loss",
        x_ticks=[tick for tick in frame.x_ticks() if tick.label.isdigit()],
        y_ticks=frame.y_ticks(),
        lines=[
            frame.line(
                Series("Validation", 0),
                epochs,
                [e.validation_loss for e in training.curve],
                mark=few,
                note=text.number(best.validation_loss) if best else "",
            ),
            frame.line(
                Series("Training", 2),
                epochs,
                [e.train_loss for e in training.curve],
                mark=few,
                note=text.number(best.train_loss) if best else "",
            ),
        ],
        guides=guides,
        caption="The legend gives the losses at the best epoch.",
    )


def facts(summary: RunSummary) -> list[tuple[str, str]]:
    """Return what is known of the model, each fact with its name."""
    told: list[tuple[str, str]] = []
    if summary.training is not None:
        told += _of_training(summary.training)
    if summary.exported is not None:
        told += _of_graph(summary.exported)
    if summary.evaluation is not None:
        latency = summary.evaluation.latency
        told += [
            ("Latency, one row", _latency(latency)),
            ("Largest difference to torch", _parity(summary.evaluation.parity)),
        ]
    return [(name, value) for name, value in told if value]


def _of_training(training: TrainingReport) -> list[tuple[str, str]]:
    ran = len(training.curve)
    told = [
        ("Module", training.module),
        ("Parameters", ", ".join(f"{k} {_plain(v)}" for k, v in training.parameters.items())),
        ("Weights", text.count(training.weights)),
        ("Epochs", f"{ran}, best {training.best_epoch}" if ran else ""),
    ]
    if training.resumed_from:
        told.append(("Resumed", f"after epoch {training.resumed_from} of a killed attempt"))
    if training.logit_offset:
        told.append(("Class weights undone by", f"{text.signed(training.logit_offset)} on logits"))
    processes = f", {training.world_size} processes" if training.world_size > 1 else ""
    return [*told, ("Device", training.device + processes)]


def _of_graph(exported: ExportManifest) -> list[tuple[str, str]]:
    return [
        ("ONNX graph", f"{text.size(exported.size)}, opset {exported.opset}"),
        ("Inputs", text.counted(len(exported.inputs), "feature")),
        ("Predicted quantiles", ", ".join(f"{level:g}" for level in exported.quantiles)),
    ]


def _latency(latency: dict[str, float]) -> str:
    names = {"p50": "median", "p99": "99th percentile"}
    return ", ".join(f"{names.get(k, k)} {text.duration(v)}" for k, v in latency.items())


def _parity(difference: float) -> str:
    """Return the difference; evaluation writes the greatest float where torch gave no number."""
    return f"{difference:.2g}" if difference < sys.float_info.max else "torch answers no number"


def _plain(value: Any) -> str:
    return text.quantity(value) if isinstance(value, float) else text.clip(str(value), 60)
