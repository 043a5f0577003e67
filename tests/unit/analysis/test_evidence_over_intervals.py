"""Evidence multiplies over intervals: it holds at every look, and rates may move between them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.analysis.evidence import log_evidence
from millrace.analysis.stakes import foretell

RATE = st.floats(0, 1)


def evidence(n_a, k_a, n_b, k_b, excess, side) -> np.ndarray:
    n_a, k_a, n_b, k_b = (np.asarray(c, float) for c in (n_a, k_a, n_b, k_b))
    rate = foretell(n_a, k_a)
    d = np.broadcast_to(np.asarray(excess, float), n_a.shape)
    return log_evidence(n_a, k_a, n_b, k_b, rate=rate, excess=d, side=side)


@settings(max_examples=25, deadline=None)
@given(RATE, RATE, st.floats(0.001, 1), st.floats(0.001, 1), st.sampled_from(["worse", "no worse"]))
def test_the_product_is_on_average_at_most_one_after_every_interval(
    one: float, two: float, d_one: float, d_two: float, side: str
) -> None:
    n_a, n_b = 3, 2
    excess = (d_one, d_two) if side == "worse" else (d_one, d_one)
    rates = [(q * (1 - d), q * (1 - d) + d) for q, d in zip((one, two), excess, strict=True)]
    outcomes = list(itertools.product(range(n_a + 1), range(n_b + 1), repeat=2))
    counts = np.array(outcomes, float).T
    shape = (2, len(outcomes))
    money = np.exp(
        evidence(
            np.full(shape, n_a),
            counts[[0, 2]],
            np.full(shape, n_b),
            counts[[1, 3]],
            np.array(excess)[:, None],
            side,
        )
    )
    chance = np.ones(len(outcomes))
    for (q_a, q_b), k_a, k_b in zip(rates, counts[[0, 2]], counts[[1, 3]], strict=True):
        chance *= [math.comb(n_a, int(k)) * q_a**k * (1 - q_a) ** (n_a - k) for k in k_a]
        chance *= [math.comb(n_b, int(k)) * q_b**k * (1 - q_b) ** (n_b - k) for k in k_b]
    assert chance.sum() == pytest.approx(1)
    assert np.all(money @ chance <= 1 + 1e-9)


def test_identical_arms_are_not_called_worse_when_weight_and_rate_rise_together() -> None:
    rng = np.random.default_rng(4)
    rollouts, alpha = 400, 0.05
    q = np.repeat([0.01, 0.03], 50)[:, None]
    n_b = np.repeat([50, 500], 50)[:, None] * np.ones((1, rollouts), int)
    n_a = 1000 - n_b
    k_a, k_b = rng.binomial(n_a, q), rng.binomial(n_b, q)
    pooled_difference = k_b.sum(0) / n_b.sum(0) - k_a.sum(0) / n_a.sum(0)
    assert np.median(pooled_difference) > 0.005
    ever = evidence(n_a, k_a, n_b, k_b, 0.0001, "worse").max(axis=0)
    assert np.mean(ever >= np.log(1 / alpha)) <= alpha


def test_a_canary_that_breaks_after_hours_is_found_within_minutes() -> None:
    n_a, n_b = np.full(330, 900.0), np.full(330, 100.0)
    k_a, k_b = 0.01 * n_a, np.where(np.arange(330) < 300, 1.0, 30.0)
    worse = evidence(n_a, k_a, n_b, k_b, 0.05, "worse")
    assert np.all(worse[:300] < np.log(40))
    assert np.argmax(worse >= np.log(40)) < 305


def test_what_was_counted_as_the_same_rate_for_long_outlives_a_burst_in_both_arms() -> None:
    n = np.full(60, 500.0)
    k_a, k_b = np.full(60, 5.0), np.full(60, 5.0)
    k_a[40], k_b[40] = 260, 240
    no_worse = evidence(n, k_a, n, k_b, 0.01, "no worse")
    assert no_worse[39] > np.log(20)
    assert no_worse[-1] > np.log(20)


def test_evidence_comes_from_the_counts_alone() -> None:
    rng = np.random.default_rng(1)
    n_a, n_b = rng.integers(100, 900, (30, 4)), rng.integers(10, 90, (30, 4))
    k_a, k_b = rng.binomial(n_a, 0.02), rng.binomial(n_b, 0.04)
    together = evidence(n_a, k_a, n_b, k_b, 0.01, "worse")
    for i in range(4):
        alone = evidence(n_a[:, i], k_a[:, i], n_b[:, i], k_b[:, i], 0.01, "worse")
        assert alone == pytest.approx(together[:, i])
        so_far = evidence(n_a[:9, i], k_a[:9, i], n_b[:9, i], k_b[:9, i], 0.01, "worse")
        assert so_far == pytest.approx(together[:9, i])


def test_a_billion_requests_an_interval_do_not_break_the_evidence() -> None:
    n = np.full(20, 1e9)
    for side, k_b in itertools.product(("worse", "no worse"), (0.0, 1e7, 1.2e7, 1e9)):
        assert np.all(np.isfinite(evidence(n, np.full(20, 1e7), n, np.full(20, k_b), 0.001, side)))
    assert evidence(n, np.full(20, 1e7), n, np.full(20, 1.2e7), 0.001, "worse")[0] > np.log(40)
    assert evidence(n, np.full(20, 1e7), n, np.full(20, 1e7), 0.001, "no worse")[0] > np.log(20)


def test_a_rate_is_foretold_from_the_past_only() -> None:
    events, bad = np.full(50, 1000.0), np.full(50, 40.0)
    foretold = foretell(events, bad)
    assert foretold[0] < 0.02
    assert foretold[-1] == pytest.approx(0.04, rel=0.02)
    later = bad.copy()
    later[30:] = 900
    assert np.array_equal(foretell(events, later)[:31], foretold[:31])
