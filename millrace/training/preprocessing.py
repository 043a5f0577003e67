"""Constants of preprocessing, learnt from the training rows and from nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millrace.dataset.manifest import Feature
from millrace.documents import Document
from millrace.training.columns import Columns
from millrace.training.inputs import Inputs


class Scaling(Document):
    """How one number is standardised."""

    name: str
    mean: float
    std: float
    indicator: bool
    """Whether a further column says that the value is missing."""


class Vocabulary(Document):
    """The known values of one category, sorted; the first has index 1."""

    name: str
    values: list[str]


class LabelScaling(Document):
    """How labels that are numbers are standardised, and what is asked of them beside the mean."""

    mean: float
    std: float
    quantiles: list[float]


class Preprocessing(Document):
    """What stands in `preprocessing.json`."""

    numbers: list[Scaling]
    categories: list[Vocabulary]
    label: LabelScaling | None = None
    """None if labels are classes."""

    @property
    def quantiles(self) -> list[float]:
        """Return the levels of the quantiles that are predicted beside the mean."""
        return self.label.quantiles if self.label else []

    def inputs(self) -> Inputs:
        """Return the shapes of the module's inputs."""
        indicators = sum(scaling.indicator for scaling in self.numbers)
        return Inputs(
            numbers=len(self.numbers) + indicators,
            cardinalities=tuple(1 + len(vocabulary.values) for vocabulary in self.categories),
            outputs=1 + len(self.quantiles),
        )


def fit_preprocessing(
    columns: Columns, features: list[Feature], quantiles: list[float] | None = None
) -> Preprocessing:
    """Return the constants of the training rows.

    Args:
        columns: the training rows.
        features: what their columns are, from the dataset's manifest.
        quantiles: of labels that are numbers those that are predicted; None for classes.
    """
    numbers = [feature.name for feature in features if feature.kind == "number"]
    categories = [feature.name for feature in features if feature.kind == "category"]
    return Preprocessing(
        numbers=[_scaling(name, columns.numbers[:, i]) for i, name in enumerate(numbers)],
        categories=[
            Vocabulary(name=name, values=_known(column))
            for name, column in zip(categories, columns.categories, strict=True)
        ],
        label=None if quantiles is None else _label_scaling(columns.label, quantiles),
    )


def _scaling(name: str, values: npt.NDArray[np.float32]) -> Scaling:
    present = values[~np.isnan(values)].astype(np.float64)
    indicator = len(present) < len(values)
    if not len(present):
        return Scaling(name=name, mean=0.0, std=1.0, indicator=indicator)
    mean, std = _mean_and_std(present)
    return Scaling(name=name, mean=mean, std=std, indicator=indicator)


def _label_scaling(labels: npt.NDArray[np.float32], quantiles: list[float]) -> LabelScaling:
    mean, std = _mean_and_std(labels.astype(np.float64))
    return LabelScaling(mean=mean, std=std, quantiles=quantiles)


def _mean_and_std(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    mean, std = float(values.mean()), float(values.std())
    # A spread that float32 cannot resolve is rounding: to divide by it would be to amplify noise.
    resolution = float(np.finfo(np.float32).eps) * abs(mean) + float(np.finfo(np.float32).tiny)
    return mean, std if std > resolution else 1.0


def _known(column: pa.ChunkedArray) -> list[str]:
    return sorted(value for value in pc.unique(column).to_pylist() if value)
