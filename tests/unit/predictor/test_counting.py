"""Bodies of too many values are told before they are decoded, whatever their texts hold."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serving.predictor.counting import has_more_values

TEXTS = st.text() | st.text(st.sampled_from(',[{"\\\\x'))
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


def count(value: Any) -> int:
    """Return how many values follow a comma or a bracket that opens."""
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return max(1, len(value)) + sum(map(count, inner))


@given(VALUES)
def test_values_are_counted_without_what_stands_in_texts(value: Any) -> None:
    body = json.dumps(value).encode()
    assert not has_more_values(body, count(value))
    assert has_more_values(body, count(value) - 1)


def test_lists_within_lists_count() -> None:
    assert has_more_values(b"[" * 1000 + b"]" * 1000, 999)


def test_what_is_no_json_is_counted_somehow() -> None:
    has_more_values(b'"[,,,\\' * 100, 1)
