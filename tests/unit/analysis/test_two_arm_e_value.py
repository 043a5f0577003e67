"""An interval's e-value is on average at most 1 when its null is true, whatever is staked."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from millrace.analysis.bet import largest_stake, log_e_value
from millrace.analysis.stakes import ladder

SHARES = st.floats(0, 1)
SIDES = ("worse", "no worse")


def chances(n: int, q: float) -> np.ndarray:
    return np.array([math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)])


def table(n_a: int, n_b: int, p_a, p_b, stake) -> np.ndarray:
    """Return the e-value for each k_a and k_b, with the bets' axis last."""
    k_a = np.arange(n_a + 1.0)[:, None, None]
    k_b = np.arange(n_b + 1.0)[None, :, None]
    return np.exp(log_e_value(np.array(n_a), k_a, np.array(n_b), k_b, p_a, p_b, stake))


def null_rates(d: float, side: str) -> list[tuple[float, float]]:
    grid = np.linspace(0, 1, 11)
    within = [(a, b) for a in grid for b in grid if (b - a <= d if side == "worse" else b - a >= d)]
    return [*within, *((a, a + d) for a in np.linspace(0, 1 - d, 11))]


def largest_mean(n_a: int, n_b: int, d: float, side: str, bets: tuple) -> float:
    values = table(n_a, n_b, *bets)
    return max(
        float(np.einsum("i,j,ij...->...", chances(n_a, q_a), chances(n_b, q_b), values).max())
        for q_a, q_b in null_rates(d, side)
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), SHARES, SHARES, SHARES, st.sampled_from(SIDES))
def test_no_bet_wins_on_average_where_the_null_is_true(
    n_a: int, n_b: int, d: float, place: float, part: float, side: str
) -> None:
    p_a = np.array([place * (1 - d)])
    p_b = np.minimum(p_a + d, 1)
    down, up = largest_stake(np.array(n_a), np.array(n_b), p_a, p_b)
    stake = np.minimum(part * (up if side == "worse" else -down), 1e9)
    stake = stake if side == "worse" else -stake
    assert largest_mean(n_a, n_b, d, side, (p_a, p_b, stake)) <= 1 + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), SHARES, SHARES, st.sampled_from(SIDES))
@example(1, 1, math.nextafter(1, 0), 0.0, "no worse")
def test_no_bet_of_the_ladder_wins_on_average_where_the_null_is_true(
    n_a: int, n_b: int, d: float, rate: float, side: str
) -> None:
    bets = ladder(np.array(rate), np.array(float(n_a)), np.array(float(n_b)), np.array(d), side)
    assert largest_mean(n_a, n_b, d, side, (bets.p_a, bets.p_b, bets.stake)) <= 1 + 1e-9


@pytest.mark.parametrize("side", SIDES)
def test_a_burst_that_both_arms_feel_does_not_make_a_bet_win(side: str) -> None:
    calm, burst, d = 0.05, 0.9, 0.1
    bets = ladder(np.array(calm), np.array(4.0), np.array(4.0), np.array(d), side)
    shift = d if side == "no worse" else 0.0
    mean = 0.0
    for bad in itertools.product((0, 1), repeat=8):
        rates = [calm, burst, burst, calm] + [min(q + shift, 1) for q in (calm, burst, burst, calm)]
        chance = math.prod(q if x else 1 - q for x, q in zip(bad, rates, strict=True))
        k_a, k_b = np.array(float(sum(bad[:4]))), np.array(float(sum(bad[4:])))
        n = np.array(4.0)
        mean += chance * np.exp(log_e_value(n, k_a, n, k_b, bets.p_a, bets.p_b, bets.stake))
    assert shift == 0.0 or burst + shift <= 1
    assert np.max(mean) <= 1 + 1e-9


@pytest.mark.parametrize(("requests", "share"), [(40, 0.5), (100, 0.1), (200, 0.05)])
@pytest.mark.parametrize("d", [0.01, 0.1])
def test_requests_that_fail_in_either_arm_do_not_make_the_ladder_win(
    requests: int, share: float, d: float
) -> None:
    n_b = round(requests * share)
    n_a = requests - n_b
    for rate in (0.002, 0.02, 0.2):
        bets = ladder(
            np.array(rate), np.array(float(n_a)), np.array(float(n_b)), np.array(d), "worse"
        )
        values = table(n_a, n_b, bets.p_a, bets.p_b, bets.stake).mean(axis=-1)
        for failing in range(0, requests + 1, 5):
            splits = [
                (math.comb(n_b, k) * math.comb(n_a, failing - k), values[failing - k, k])
                for k in range(max(0, failing - n_a), min(failing, n_b) + 1)
            ]
            mean = sum(ways * value for ways, value in splits) / math.comb(requests, failing)
            assert mean <= 1 + 1e-9


def divergence(t: np.ndarray, p: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        bad = np.where(t > 0, t * np.log(t / p), 0)
        good = np.where(t < 1, (1 - t) * np.log((1 - t) / (1 - p)), 0)
    return bad + good


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 1000), st.integers(1, 1000), SHARES, st.floats(0, 0.5), st.sampled_from(SIDES)
)
def test_a_bet_is_the_likelihood_ratio_to_the_nearest_point_of_the_null(
    n_a: int, n_b: int, rate: float, d: float, side: str
) -> None:
    bets = ladder(np.array(rate), np.array(float(n_a)), np.array(float(n_b)), np.array(d), side)
    k_a, k_b = np.array([n_a // 3, n_a, 0.0]), np.array([n_b // 2, 0.0, n_b])
    for p_a, p_b, stake in zip(bets.p_a, bets.p_b, bets.stake, strict=True):
        assert p_b - p_a == pytest.approx(d, abs=1e-12)
        t_a = p_a - p_a * (1 - p_a) * stake / n_a
        t_b = p_b + p_b * (1 - p_b) * stake / n_b
        line = np.linspace(0, 1 - d, 4001)
        far = n_a * divergence(t_a, line) + n_b * divergence(t_b, np.minimum(line + d, 1))
        here = n_a * divergence(t_a, p_a) + n_b * divergence(t_b, p_b)
        assert here <= far.min() + 1e-6 * (1 + abs(here))
        if p_a > 0 and p_b < 1:
            ratio = k_a * np.log(t_a / p_a) + (n_a - k_a) * np.log((1 - t_a) / (1 - p_a))
            ratio += k_b * np.log(t_b / p_b) + (n_b - k_b) * np.log((1 - t_b) / (1 - p_b))
            ours = log_e_value(np.array(n_a), k_a, np.array(n_b), k_b, p_a, p_b, np.array(stake))
            assert ours == pytest.approx(ratio, rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30), st.randoms())
def test_the_order_of_answers_within_an_interval_does_not_matter(answers, random) -> None:
    p_a, p_b, part = 0.2, 0.25, 0.3
    n_b = sum(canary for canary, _ in answers)
    n_a = len(answers) - n_b
    k_a = sum(bad for canary, bad in answers if not canary)
    k_b = sum(bad for canary, bad in answers if canary)
    counts = (np.array(float(n)) for n in (n_a, k_a, n_b, k_b))
    whole = float(log_e_value(*counts, p_a, p_b, np.array(part)))
    money = 1.0
    random.shuffle(answers)
    for canary, bad in answers if n_a and n_b else ():
        money *= 1 + ((bad - p_b) * part / n_b if canary else -(bad - p_a) * part / n_a)
    assert whole == pytest.approx(math.log(money), abs=1e-9)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("counts", [(0, 0, 9, 9), (9, 0, 0, 0), (0, 0, 0, 0)])
def test_an_interval_without_answers_of_an_arm_is_no_evidence(counts: tuple, side: str) -> None:
    n_a, k_a, n_b, k_b = (np.array(float(n)) for n in counts)
    bets = ladder(np.array(0.1), n_a, n_b, np.array(0.05), side)
    assert np.all(log_e_value(n_a, k_a, n_b, k_b, bets.p_a, bets.p_b, bets.stake) == 0)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("d", [1e-9, 0.01, 0.5, 0.99, 1.0, 20.0])
@pytest.mark.parametrize("rate", [0.0, 1e-12, 0.5, 1.0])
@pytest.mark.parametrize("events", [1.0, 1e9])
def test_evidence_stays_a_number_at_the_ends_of_all_ranges(side, d, rate, events) -> None:
    n = np.array(events)
    bets = ladder(np.array(rate), n, n, np.array(d), side)
    for k_a, k_b in itertools.product((0.0, events), repeat=2):
        evidence = log_e_value(n, np.array(k_a), n, np.array(k_b), bets.p_a, bets.p_b, bets.stake)
        assert np.all(np.isfinite(evidence))
        assert evidence[0] == 0


def test_nothing_is_worse_than_a_tolerance_of_every_request() -> None:
    n = np.array(100.0)
    bets = ladder(np.array(0.0), n, n, np.array(1.0), "worse")
    assert np.all(bets.stake == 0)


def test_a_billion_requests_are_counted_to_the_last_digit() -> None:
    n, k_a, k_b, stake = 1e9, 1e7, 1.2e7, 4e5
    ours = float(log_e_value(*(np.array(v) for v in (n, k_a, n, k_b, 0.01, 0.011, stake))))
    ratio = [
        k_b * math.log1p(0.989 * stake / n),
        (n - k_b) * math.log1p(-0.011 * stake / n),
        k_a * math.log1p(-0.99 * stake / n),
        (n - k_a) * math.log1p(0.01 * stake / n),
    ]
    assert ours == pytest.approx(math.fsum(ratio), rel=1e-9)
