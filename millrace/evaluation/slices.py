"""How the candidate does on each group of a slice, and how far groups are apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from millrace.evaluation.bootstrap import Draws, finite
from millrace.evaluation.held_out import Rows
from millrace.evaluation.result import Estimate, SliceGroup, SliceResult

LEAST_ROWS = 50
"""Fewest rows of a group that tell anything."""
LEAST_OF_A_CLASS = 10
"""Fewest rows of either class of a group that tell anything, where labels are classes."""


def rows_by_group(rows: Rows, slice_name: str) -> tuple[dict[str, NDArray[np.intp]], list[str]]:
    """Return the rows of each group that is large enough, and the names of the other groups."""
    groups = rows.groups(slice_name)
    large: dict[str, NDArray[np.intp]] = {}
    small: list[str] = []
    for name in sorted(set(groups.tolist())):
        members = np.flatnonzero(groups == name)
        if tells_anything(rows, members):
            large[name] = members
        else:
            small.append(name)
    return large, small


def tells_anything(rows: Rows, members: NDArray[np.intp]) -> bool:
    """Return whether some rows are enough, and enough of either class, to measure a model on."""
    positives = rows.positives(members)
    if len(members) < LEAST_ROWS or positives is None:
        return len(members) >= LEAST_ROWS
    return min(positives, len(members) - positives) >= LEAST_OF_A_CLASS


def slice_result(
    rows: Rows,
    slice_name: str,
    members: Mapping[str, NDArray[np.intp]],
    left_out: list[str],
    draws: Mapping[str, Mapping[str, Draws]],
) -> SliceResult:
    """Return the metrics of each group and the gaps between groups.

    Args:
        rows: the held-out rows.
        slice_name: which slice it is.
        members: the rows of each group.
        left_out: groups that are too small.
        draws: the candidate's metrics on each group, by group and metric.
    """
    groups = [
        SliceGroup(
            group=name,
            rows=len(which),
            positives=rows.positives(which),
            metrics={
                metric: drawn.estimate(f"{metric} of the group {name!r} of {slice_name}")
                for metric, drawn in draws[name].items()
            },
        )
        for name, which in members.items()
    ]
    metrics = list(next(iter(draws.values()))) if len(members) > 1 else []
    gaps = {
        metric: gap([draws[name][metric] for name in members], f"{metric} gap of {slice_name}")
        for metric in metrics
    }
    return SliceResult(slice=slice_name, groups=groups, gaps=gaps, left_out=left_out)


def gap(groups: Sequence[Draws], what: str) -> Estimate:
    """Return the greatest difference between two of k groups, with its 95 % interval.

    The more groups, the further apart two of them are by chance, and a percentile interval of
    max - min takes that for a gap. So the interval is that of all pairs at once, by the bootstrap
    of the greatest standardised difference (Romano and Wolf 2005, JASA 100:94): it is above a
    limit only if some pair surely is.

    Args:
        groups: one metric of each group.
        what: the metric and the slice, for the message.

    Raises:
        EvaluationError: see `finite`.
    """
    values = np.array([group.value for group in groups])
    noise = np.stack([group.draws - group.value for group in groups])
    greatest = np.zeros(noise.shape[1])
    deviations = []
    for index in range(1, len(groups)):
        between = noise[index] - noise[:index]
        deviation = np.nanstd(between, axis=1)
        standardised = np.divide(
            np.abs(between),
            deviation[:, np.newaxis],
            out=np.zeros_like(between),
            where=deviation[:, np.newaxis] > 0,
        )
        greatest = np.fmax(greatest, np.fmax.reduce(standardised, axis=0))
        deviations.append(deviation)
    reach = np.quantile(greatest, 0.95)
    apart = [np.abs(values[i] - values[:i]) for i in range(1, len(groups))]
    low = max(float((a - reach * d).max()) for a, d in zip(apart, deviations, strict=True))
    high = max(float((a + reach * d).max()) for a, d in zip(apart, deviations, strict=True))
    return finite(what, float(np.ptp(values)), max(low, 0.0), high)
