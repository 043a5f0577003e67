"""Numbers, times and names as a person reads them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime

from millrace.evaluation.result import Estimate, leading

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
"""Whatever the locale: the same summary gives the same report."""

METRICS: dict[str, tuple[str, str]] = {
    "roc_auc": ("ROC AUC", "Chance that a positive row scores above a negative one."),
    "pr_auc": ("PR AUC", "Precision averaged over recall; the rate of positives is chance level."),
    "log_loss": ("Log loss", "Surprise at the true labels; punishes confident mistakes."),
    "brier": ("Brier score", "Mean squared difference of probability and label."),
    "calibration_error": ("Calibration error", "How far predicted rates are from observed ones."),
    "lift_at_10": (f"Lift at 10{SPACE}%", "Positives in the top tenth, against picking at random."),
    "rmse": ("RMSE", "Root of the mean squared error, in the label's unit; large errors dominate."),
    "mae": ("MAE", "Mean distance of prediction and label, in the label's unit."),
    "pinball": ("Pinball loss", "How far labels lie beyond predicted quantiles, in their unit."),
    "coverage_error": ("Coverage error", "How far quantiles are from holding the share they say."),
}
_DECLARED = re.compile(rf"\b(?:{'|'.join(METRICS)})\b")


def metric_name(metric: str) -> str:
    """Return a metric's name for people."""
    return METRICS[metric][0] if metric in METRICS else metric.replace("_", " ")


def with_metric_names(text: str) -> str:
    """Return a text that names metrics as they are declared with their names for people."""
    return _DECLARED.sub(lambda found: METRICS[found[0]][0], text)


def metric_meaning(metric: str) -> str:
    """Return what a metric says, in one sentence; empty if it is not known here."""
    return METRICS[metric][1] if metric in METRICS else ""


def known_by(metrics: Mapping[str, Estimate]) -> str:
    """Return the metric by which a model is known: `ROC AUC 0.846 (0.827 to 0.865)`; '' if none."""
    name = leading(metrics)
    if name is None:
        return ""
    value, low, high = map(number, (metrics[name].value, metrics[name].low, metrics[name].high))
    return f"{metric_name(name)} {value} ({low} to {high})"


def number(value: float | None, decimals: int = 3) -> str:
    """Return a number with a fixed count of decimals and a true minus sign."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        return (MINUS if float(text.replace(",", "")) else "") + text[1:]
    return text


def signed(value: float, decimals: int = 3) -> str:
    """Return a difference with its sign, but 0 without one."""
    text = number(value, decimals)
    positive = text not in (NOTHING, number(0, decimals)) and not text.startswith(MINUS)
    return f"+{text}" if positive else text


def mean(value: float | None) -> str:
    """Return a rate or a mean with three decimals, or three digits where those would be zeros."""
    if value is None or not math.isfinite(value) or not value:
        return number(value)
    return number(value, min(max(2 - math.floor(math.log10(abs(value))), 3), 9))


def quantity(value: float | None) -> str:
    """Return a number of unknown size with six digits at most."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:,.6g}".replace("-", MINUS)


def count(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}"


def counted(value: int, one: str, many: str = "") -> str:
    """Return a count with its noun: `1 gate`, `2 gates`."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """Return a share as percentage: one decimal below 10 %, none above, unless it is nearly all."""
    if not math.isfinite(share):
        return NOTHING
    if 0 < share < 0.001:
        return f"<{SPACE}0.1{SPACE}%"
    decimals = 1 if 0 < share < 0.1 or 0.99 < share < 1 else 0
    return f"{number(share * 100, decimals)}{SPACE}%"


def duration(seconds: float | None) -> str:
    """Return a time span in the unit that suits it, from microseconds to days."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return NOTHING
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f}{SPACE}µs"
    if seconds < 0.1:
        return f"{seconds * 1e3:.3g}{SPACE}ms"
    if seconds < 59.5:
        return f"{seconds:.1f}{SPACE}s" if seconds < 9.95 else f"{seconds:.0f}{SPACE}s"
    return _long(round(seconds))


def _long(seconds: int) -> str:
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}{SPACE}min {seconds % 60}{SPACE}s"
    hours = minutes // 60
    if hours < 48:
        return f"{hours}{SPACE}h {minutes % 60}{SPACE}min"
    return f"{count(hours // 24)}{SPACE}days {hours % 24}{SPACE}h"


def size(value: int) -> str:
    """Return bytes in decimal units."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g}{SPACE}{unit}"
    return f"{value}{SPACE}bytes"


def when(moment: str | datetime) -> str:
    """Return a time as `27 July 2026, 14:03 UTC`; text that is no time is left as it is."""
    try:
        time = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        return str(moment)
    zone = time.tzname() or ""
    return f"{time.day} {MONTHS[time.month - 1]} {time:%Y, %H:%M} {zone}".strip()


def clip(text: str, limit: int = 160) -> str:
    """Return text cut to a length, with an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def sentence(clause: str) -> str:
    """Return a clause with a capital at its start and a full stop at its end."""
    if not clause:
        return ""
    return clause[0].upper() + clause[1:] + ("" if clause.endswith((".", "!", "?")) else ".")


def decimals_for(estimates: list[Estimate]) -> int:
    """Return how many decimals are worth showing: two digits of the widest interval.

    At least three for what lies below 1, as most metrics do, two above; at most six.
    """
    least = 2 if any(abs(e.value) >= 1 for e in estimates) else 3
    widths = [e.high - e.low for e in estimates if math.isfinite(e.high - e.low)]
    width = max(widths, default=0.0)
    return min(max(1 - math.floor(math.log10(width)), least), 6) if width > 0 else least
