"""One look for a model wherever it appears: a name, a colour, a line and a marker."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.evaluation.result import ModelResult

LOOKS = 5
"""Looks that the style sheet knows, `look-0` to `look-4`; further models share the last one."""


MARKED = 30
"""Points up to which each is marked; more marks than that are a smear."""


@dataclass(frozen=True)
class Series:
    """How one model, or one line of a chart, is named and drawn."""

    label: str
    look: int


def series_of(models: list[ModelResult]) -> dict[str, Series]:
    """Return each model's series by its name: candidate and champion always look the same."""
    fixed = {"candidate": 0, "champion": 1}
    looks: dict[str, Series] = {}
    baselines = 0
    for model in models:
        look = fixed.get(model.role)
        if look is None:
            look = min(2 + baselines, LOOKS - 1)
            baselines += 1
        looks[model.name] = Series(model_name(model.name), look)
    return looks


def model_name(name: str) -> str:
    """Return a model's name for people: `Logistic regression`."""
    return name.replace("_", " ").capitalize()
