"""The offline table: every value a key ever had, and since when."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from feature_worlds import DAY, START
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.errors import FeatureError
from millrace.features.lookup import JoinKey, LookupField, ViewLookup
from millrace.features.offline import read_offline, table_key, write_offline
from millrace.features.tables import digest_of_rows, schema_of
from millrace.features.update import add_rows, as_of_rows
from millrace.settings import Settings
from millrace.storage import open_store

VIEW = ViewLookup(
    view="v",
    join_keys=[JoinKey(name="id", type="STRING")],
    fields=[LookupField(name="text", type="STRING"), LookupField(name="whole", type="INT64")],
)
SCHEMA = schema_of(VIEW)


def now(values: dict[str, tuple[str | None, int | None]]) -> pa.Table:
    """Return what an untimed function computed."""
    rows = [{"id": key, "text": text, "whole": whole} for key, (text, whole) in values.items()]
    return pa.Table.from_pylist(rows, SCHEMA.remove(1))


def timed(*rows: tuple[str, int, str | None]) -> pa.Table:
    """Return what a timed function computed: key, day, text."""
    return pa.Table.from_pylist(
        [
            {"id": key, "event_timestamp": START + day * DAY, "text": text, "whole": None}
            for key, day, text in rows
        ],
        SCHEMA,
    )


def held(table: pa.Table) -> list[tuple[Any, ...]]:
    return [
        (row["id"], (row["event_timestamp"] - START).days, row["text"], row["whole"])
        for row in table.to_pylist()
    ]


def test_the_first_rows_hold_since_the_as_of_time() -> None:
    update = add_rows(None, now({"b": ("x", 1), "a": (None, None)}), VIEW, START)
    assert held(update.table) == [("a", 0, None, None), ("b", 0, "x", 1)]
    assert (update.added, update.since, len(update.before)) == (2, START, 0)


def test_only_what_is_new_or_changed_is_added() -> None:
    table = add_rows(None, now({"a": ("x", 1), "b": (None, 2)}), VIEW, START).table
    update = add_rows(table, now({"a": ("x", 1), "b": ("y", 2), "c": ("z", 3)}), VIEW, START + DAY)
    assert held(update.table) == [
        ("a", 0, "x", 1),
        ("b", 0, None, 2),
        ("b", 1, "y", 2),
        ("c", 1, "z", 3),
    ]
    assert (update.added, update.since) == (2, START + DAY)


def test_a_value_that_returns_is_added_again() -> None:
    table = None
    for day, text in enumerate(["x", "y", "x"]):
        table = add_rows(table, now({"a": (text, 1)}), VIEW, START + day * DAY).table
    assert [row[2] for row in held(table)] == ["x", "y", "x"]


def test_a_row_of_the_same_time_takes_the_place_of_the_other() -> None:
    table = add_rows(None, now({"a": ("x", 1), "b": ("y", 2)}), VIEW, START).table
    update = add_rows(table, now({"a": ("new code", 1), "b": ("y", 2)}), VIEW, START)
    assert held(update.table) == [("a", 0, "new code", 1), ("b", 0, "y", 2)]
    assert update.added == 1


def test_an_earlier_as_of_time_looks_at_what_held_then() -> None:
    table = add_rows(None, now({"a": ("x", 1)}), VIEW, START).table
    table = add_rows(table, now({"a": ("y", 1)}), VIEW, START + 2 * DAY).table
    assert add_rows(table, now({"a": ("x", 1)}), VIEW, START + DAY).added == 0


def test_timed_rows_are_added_or_corrected_by_key_and_time() -> None:
    table = add_rows(None, timed(("a", 0, "x"), ("a", 2, "y")), VIEW, START).table
    rows = timed(("a", 0, "x"), ("a", 1, "z"), ("a", 2, "corrected"), ("b", 0, None))
    update = add_rows(table, rows, VIEW, START + DAY)
    assert held(update.table) == [
        ("a", 0, "x", None),
        ("a", 1, "z", None),
        ("a", 2, "corrected", None),
        ("b", 0, None, None),
    ]
    assert (update.added, update.since) == (3, START)


STATES = st.lists(
    st.dictionaries(
        st.sampled_from("abc"),
        st.tuples(st.sampled_from(["x", "", None]), st.sampled_from([1, None])),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=30)
@given(STATES)
def test_the_table_tells_every_state_that_ever_was(states: list[dict[str, Any]]) -> None:
    table: pa.Table | None = None
    for day, state in enumerate(states):
        table = add_rows(table, now(state), VIEW, START + day * DAY).table
    for day, state in enumerate(states):
        latest = {row[0]: row[2:] for row in held(as_of_rows(table, START + day * DAY))}
        assert {key: latest[key] for key in state} == state


@settings(deadline=None, max_examples=15)
@given(STATES, STATES)
def test_adding_the_same_again_changes_nothing(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    table: pa.Table | None = SCHEMA.empty_table()
    for day, state in enumerate([*before, *after]):
        first = add_rows(table, now(state), VIEW, START + day * DAY)
        again = add_rows(first.table, now(state), VIEW, START + day * DAY)
        assert (again.added, again.since) == (0, None)
        assert digest_of_rows(again.table) == digest_of_rows(first.table)
        table = again.table


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store = open_store(Settings(home=tmp_path))
    assert read_offline(store, "w", VIEW) is None
    table = add_rows(None, now({"a": ("x", 1), "b": (None, None)}), VIEW, START).table
    write_offline(store, "w", VIEW, table)
    back = read_offline(store, "w", VIEW)
    assert back is not None
    assert back.equals(table)
    assert digest_of_rows(back) == digest_of_rows(table)


def test_a_table_of_another_view_or_a_damaged_one_is_told(tmp_path: Path) -> None:
    store = open_store(Settings(home=tmp_path))
    write_offline(store, "w", VIEW, SCHEMA.empty_table())
    other = VIEW.model_copy(update={"fields": [LookupField(name="text", type="DOUBLE")]})
    with pytest.raises(FeatureError, match="give the view a new name, such as v_v2"):
        read_offline(store, "w", other)
    store.write_bytes(table_key("w", "v"), b"PAR1")
    with pytest.raises(FeatureError, match="the offline table is damaged"):
        read_offline(store, "w", VIEW)


def test_the_digest_does_not_depend_on_how_values_are_laid_out() -> None:
    table = add_rows(None, now({"a": ("x", 1), "b": (None, None)}), VIEW, START).table
    pieces = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert digest_of_rows(pieces) == digest_of_rows(table)
    assert digest_of_rows(table.slice(1)) == digest_of_rows(pieces.slice(1).combine_chunks())


def as_of(value: Any, kind: pa.DataType) -> str:
    return digest_of_rows(pa.table({"x": pa.array([value], kind)}))


def test_the_digest_tells_values_apart() -> None:
    several = [
        as_of(None, pa.string()),
        as_of("", pa.string()),
        as_of("1", pa.string()),
        as_of(1, pa.int64()),
        as_of(1, pa.float64()),
        as_of(None, pa.int64()),
        as_of(0, pa.int64()),
        as_of(float("nan"), pa.float64()),
        as_of(True, pa.bool_()),
        as_of(datetime(2024, 1, 1), pa.timestamp("us", "UTC")),
        digest_of_rows(pa.table({"y": [1]})),
        digest_of_rows(pa.table({"x": ["ab", "c"]})),
        digest_of_rows(pa.table({"x": ["a", "bc"]})),
    ]
    assert len(set(several)) == len(several)
