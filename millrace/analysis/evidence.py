"""Multiply the e-values of intervals, with stakes that follow what won before.

Each interval's e-value is a weighted mean of the e-values of a ladder of bets, with weights that
only earlier intervals decide, so it is an e-value itself, and so is the product. Two accounts are
kept, half of the stake in each: one lets every bet's money lie where it is (the winner's share
grows as by Bayes' rule), the other takes a little from each bet after every interval and spreads
it again (fixed share, Herbster and Warmuth 1998), so that evidence of a canary that was good for
hours and then breaks does not have to climb out of a hole: betting nothing is one of the bets.
"""

from __future__ import annotations

import numpy as np

from millrace.analysis.bet import Numbers, log_e_value
from millrace.analysis.stakes import Side, ladder

_SPREAD = 0.02
"""What the second account spreads again after an interval."""


def log_evidence(
    n_a: Numbers,
    k_a: Numbers,
    n_b: Numbers,
    k_b: Numbers,
    *,
    rate: Numbers,
    excess: Numbers,
    side: Side,
) -> Numbers:
    """Return the natural logarithm of the e-process after each interval, shaped like the counts.

    Under the null its chance of ever reaching log(1 / alpha) is at most alpha (Ville).

    Args:
        n_a: events of arm a, time on the first axis.
        k_a: bad ones of them.
        n_b: events of arm b.
        k_b: bad ones of them.
        rate: rate of arm a that each interval's past let expect.
        excess: d of each interval, q_b - q_a on the line of the null.
        side: `worse` tests the null q_b - q_a <= d, `no worse` tests q_b - q_a >= d.
    """
    bets = ladder(rate, n_a, n_b, excess, side)
    n_a, k_a, n_b, k_b = (counts[..., None] for counts in (n_a, k_a, n_b, k_b))
    return _accounts(log_e_value(n_a, k_a, n_b, k_b, bets.p_a, bets.p_b, bets.stake))


def _accounts(gains: Numbers) -> Numbers:
    """Return the logarithm of the money after each interval, from 1; the last axis are bets."""
    bets = gains.shape[-1]
    lying = _log_mean(np.cumsum(gains, axis=0))
    top = gains.max(axis=-1, keepdims=True)
    factors = np.exp(gains - top)
    share = np.full(gains.shape[1:], 1 / bets)
    mean = np.empty(gains.shape[:-1])
    for t, factor in enumerate(factors):
        won = share * factor
        mean[t] = won.sum(axis=-1)
        share = (1 - _SPREAD) * won / mean[t][..., None] + _SPREAD / bets
    spread = np.cumsum(np.log(mean) + top[..., 0], axis=0)
    return np.asarray(np.logaddexp(lying, spread) - np.log(2))


def _log_mean(values: Numbers) -> Numbers:
    top = values.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).mean(axis=-1)) + top[..., 0])
