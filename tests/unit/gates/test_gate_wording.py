import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.gates import wording

numbers = st.floats(-1e3, 1e3, allow_nan=False)


@pytest.mark.parametrize("spell", [wording.metric, wording.difference, wording.quantity])
@given(numbers, st.integers(1, 15))
def test_a_number_is_never_rounded_to_the_other_side_of_its_limit(spell, value, decimals):
    limit = round(value, decimals)
    shown = float(spell(value, limit=limit))
    assert (shown > limit, shown < limit) == (value > limit, value < limit)


def test_a_number_has_few_digits_unless_a_limit_is_near():
    assert wording.metric(0.84649) == "0.846"
    assert wording.metric(0.81996, limit=0.82) == "0.81996"
    assert wording.metric(0.82, limit=0.82) == "0.820"
    assert wording.metric(-1e-9) == "0.000"
    assert wording.difference(0.00412) == "+0.0041"
    assert wording.difference(-0.00412) == "-0.0041"
    assert wording.difference(-1e-9) == "+0.0000"
    assert wording.quantity(2.41e-7) == "2.41e-07"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 µs"), (1.1e-5, "11 µs"), (0.005, "5 ms"), (0.0012345, "1.23 ms"), (2.5, "2.5 s")],
)
def test_durations_have_the_unit_that_suits_them(value, text):
    assert wording.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12 bytes"),
        (4472, "4.47 kB"),
        (5_000_000, "5 MB"),
        (5_242_880, "5.24 MB"),
        (2 * 10**9, "2 GB"),
    ],
)
def test_sizes_have_the_unit_that_suits_them(value, text):
    assert wording.size(value) == text


def test_quantities_next_to_their_limit_show_the_difference():
    assert wording.seconds(0.0050001, limit=0.005) == "5.0001 ms"
    assert wording.size(5_000_001, limit=5_000_000) == "5.000001 MB"
