"""Distances are those of their definitions, and missing values take part in them."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.distance import kolmogorov_smirnov, total_variation

NUMBERS = st.lists(st.one_of(st.floats(width=32), st.sampled_from([0.0, 1.0])), min_size=1)
TEXTS = st.lists(st.sampled_from([None, "", "a", "b", "数"]), min_size=1, max_size=40)


@given(NUMBERS, NUMBERS)
def test_the_distance_of_numbers_is_that_of_their_distribution_functions(
    one: list[float], other: list[float]
) -> None:
    ours = kolmogorov_smirnov(np.array(one, np.float32), np.array(other))
    ranks = [[-1.0 if np.isnan(v) else 0.0, 0.0 if np.isnan(v) else v] for v in (*one, *other)]
    samples = ranks[: len(one)], ranks[len(one) :]
    below = [[np.mean([r <= point for r in sample]) for sample in samples] for point in ranks]
    assert ours == pytest.approx(max(abs(a - b) for a, b in below))
    assert ours == kolmogorov_smirnov(np.array(other), np.array(one))


@pytest.mark.parametrize("present", [0.0, np.inf, -np.inf])
def test_missing_numbers_sort_below_everything(present: float) -> None:
    all_there, half = np.full(10, present), np.array([present, np.nan] * 5)
    assert kolmogorov_smirnov(all_there, half) == 0.5
    assert kolmogorov_smirnov(half, half) == 0
    assert kolmogorov_smirnov(np.full(3, np.nan), all_there) == 1
    assert kolmogorov_smirnov(np.full(3, np.nan), np.full(2, np.nan)) == 0


@given(TEXTS, TEXTS)
def test_the_distance_of_values_is_that_of_their_shares(
    one: list[str | None], other: list[str | None]
) -> None:
    ours = total_variation(Counter(one), Counter(other))
    shares = [(one.count(v) / len(one), other.count(v) / len(other)) for v in {*one, *other}]
    assert ours == pytest.approx(sum(abs(a - b) for a, b in shares) / 2)
    assert ours == total_variation(Counter(reversed(other)), Counter(one))


def test_disjoint_values_are_1_apart() -> None:
    assert total_variation({"a": 2}, {"b": 1}) == 1


def test_both_roles_have_what_it_needs() -> None:
    code = "import sys, millrace.distance; print(*{'pyarrow', 'pandas', 'torch'} & {*sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""
