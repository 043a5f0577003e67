"""A shift of scores is found beyond the expected distance, and only there."""

import numpy as np
import pytest

from millrace.analysis.shift import bins_risen, log_evidence_of_shift

STABLE = np.array([0.4, 0.3, 0.2, 0.1])
MOVED = np.array([0.1, 0.2, 0.3, 0.4])
NEEDED = np.log(20)


def scores(rng, n: int, shares: np.ndarray, intervals: int) -> np.ndarray:
    return rng.multinomial(n, shares, intervals).astype(float)


def test_scores_that_moved_further_than_expected_are_found_soon() -> None:
    rng = np.random.default_rng(0)
    evidence = log_evidence_of_shift(
        scores(rng, 400, STABLE, 20), scores(rng, 100, MOVED, 20), distance=0.2
    )
    assert evidence[0] == pytest.approx(0)
    assert np.argmax(evidence > NEEDED) < 5


def test_a_shift_of_just_the_expected_distance_is_seldom_found() -> None:
    rng = np.random.default_rng(1)
    distance = 0.5 * np.abs(STABLE - MOVED).sum()
    assert distance == pytest.approx(0.4)
    found = [
        log_evidence_of_shift(
            scores(rng, 300, STABLE, 40), scores(rng, 100, MOVED, 40), distance
        ).max()
        > NEEDED
        for _ in range(200)
    ]
    assert np.mean(found) <= 0.05


def test_bins_of_an_interval_are_chosen_before_it_is_seen() -> None:
    rng = np.random.default_rng(2)
    stable, canary = scores(rng, 50, STABLE, 12), scores(rng, 50, STABLE, 12)
    whole = log_evidence_of_shift(stable, canary, 0.05)
    canary[8:] = [0, 0, 0, 50]
    assert np.array_equal(log_evidence_of_shift(stable, canary, 0.05)[:8], whole[:8])


@pytest.mark.parametrize("empty", ["stable", "canary"])
def test_no_scores_of_an_arm_are_no_evidence(empty: str) -> None:
    counts = {"stable": np.full((5, 4), 30.0), "canary": np.full((5, 4), 30.0)}
    counts[empty] = np.zeros((5, 4))
    evidence = log_evidence_of_shift(counts["stable"], counts["canary"], 0.1)
    assert evidence == pytest.approx(np.zeros(5))


def test_risen_bins_are_those_with_a_larger_share() -> None:
    risen = bins_risen(np.array([40.0, 30, 20, 10]), np.array([3.0, 3, 2, 2]))
    assert risen.tolist() == [False, False, False, True]
    assert not bins_risen(np.zeros(3), np.array([1.0, 0, 0])).any()
