"""The threshold loops of Argo Rollouts and Flagger, calibrated to a false alarm rate.

Argo Rollouts: an AnalysisTemplate measures the canary's rate each `interval`; a measurement that
does not meet `successCondition` (rate <= threshold) fails, and more than `failureLimit` failures
among `count` measurements abort the rollout. failureLimit 3, as in its documentation.

Flagger: each `interval` the canary's rate is checked against `thresholdRange`; a check that passes
adds `stepWeight`, until `maxWeight`, from where a passed check promotes; a check that fails leaves
the weight and adds to the failed checks, which are never taken back; `threshold` of them roll
back. threshold 5, as in its documentation; stepWeight 1 and maxWeight 50, so that it looks as
often as the others rather than five times.
"""

from __future__ import annotations

import numpy as np

from benchmarks.analysis_traffic import INTERVALS, REQUESTS, Counts, Numbers

FAILURE_LIMIT = 3
FAILED_CHECKS = 5
MAX_WEIGHT = 50


def argo_threshold(calm: Counts, alpha: float) -> float:
    """Return the threshold with which a share of at most alpha of these rollouts is aborted."""
    decisive = np.sort(_rate(calm), axis=0)[-FAILURE_LIMIT - 1]
    return float(np.quantile(decisive, 1 - alpha, method="higher"))


def argo_stops(counts: Counts, threshold: float) -> Numbers:
    """Return after how many intervals each rollout is aborted; infinite if it is not."""
    failures = np.cumsum(_rate(counts) > threshold, axis=0) > FAILURE_LIMIT
    return np.where(failures.any(axis=0), failures.argmax(axis=0) + 1.0, np.inf)


def flagger_threshold(q: Numbers, alpha: float, seed: int) -> float:
    """Return the least threshold with which at most alpha of such rollouts are rolled back.

    Args:
        q: the canary's bad rate, [T, R].
        alpha: share of false alarms.
        seed: of the counts, the same for each threshold that is tried.
    """
    low, high = 0.0, 1.0
    for _ in range(14):
        middle = (low + high) / 2
        false = np.isfinite(flagger_catches(q, middle, seed)).mean()
        low, high = (low, middle) if false <= alpha else (middle, high)
    return high


def flagger_catches(q: Numbers, threshold: float, seed: int) -> Numbers:
    """Return the canary's requests until each rollout is rolled back; infinite if promoted."""
    rng = np.random.default_rng(seed)
    rollouts = q.shape[1]
    weight, failed = np.ones(rollouts), np.zeros(rollouts)
    seen, caught = np.zeros(rollouts), np.full(rollouts, np.inf)
    running = np.ones(rollouts, bool)
    for t in range(INTERVALS):
        n = rng.poisson(REQUESTS * weight / 100)
        passed = rng.binomial(n, q[t]) <= threshold * n
        seen += running * n
        failed += running & ~passed
        back = running & (failed >= FAILED_CHECKS)
        caught[back] = seen[back]
        promoted = running & passed & (weight >= MAX_WEIGHT)
        weight = np.where(passed, np.minimum(weight + 1, MAX_WEIGHT), weight)
        running &= ~back & ~promoted
    return caught


def _rate(counts: Counts) -> Numbers:
    return np.asarray(counts.k_b / np.maximum(counts.n_b, 1))
