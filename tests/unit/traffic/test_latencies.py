import math

from hypothesis import given
from hypothesis import strategies as st

from serving.traffic.latencies import Latencies


@given(
    st.lists(st.floats(1e-5, 300.0), min_size=1, max_size=200),
    st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]),
)
def test_a_quantile_is_within_one_percent_of_the_exact_one(
    taken: list[float], share: float
) -> None:
    found = Latencies()
    for seconds in taken:
        found.add(seconds)
    exact = sorted(taken)[math.ceil(share * len(taken)) - 1]
    quantile = found.quantile(share)
    assert quantile is not None
    assert abs(quantile / exact - 1) < 0.0101
    assert quantile <= found.longest


def test_without_latencies_there_is_no_quantile() -> None:
    assert Latencies().quantile(0.5) is None


@given(st.floats(0, 1e12))
def test_every_latency_is_counted(seconds: float) -> None:
    found = Latencies()
    found.add(seconds)
    assert found.count == 1
    assert found.quantile(0.5) is not None
