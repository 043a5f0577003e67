"""Class weights balance the classes, and the logit offset undoes them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.training.weighting import Weighting, weighting

COUNTS = st.tuples(st.integers(1, 10_000), st.integers(1, 10_000))


@given(COUNTS)
def test_balanced_classes_weigh_the_same_and_rows_1_on_average(counts):
    negatives, positives = counts
    weights = weighting("balanced", negatives + positives, positives)
    assert negatives * weights.negative == pytest.approx(positives * weights.positive)
    assert negatives * weights.negative + positives * weights.positive == pytest.approx(
        negatives + positives
    )


@given(COUNTS, st.floats(0.001, 0.999))
def test_the_offset_undoes_what_weights_do_to_the_best_answer(counts, rate):
    negatives, positives = counts
    weights = weighting("balanced", negatives + positives, positives)
    # The weighted loss of rows with this rate of positives is least at these odds.
    learnt = math.log(rate * weights.positive / ((1 - rate) * weights.negative))
    corrected = 1 / (1 + math.exp(-(learnt + weights.logit_offset)))
    assert corrected == pytest.approx(rate)


def test_without_weights_there_is_no_offset():
    assert weighting("none", 100, 3) == Weighting(1.0, 1.0)
    assert Weighting().logit_offset == 0
