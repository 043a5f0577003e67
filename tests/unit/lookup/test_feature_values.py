"""Feature values are decoded as Feast decodes them, and other bytes are refused, never misread."""

from __future__ import annotations

import contextlib
import math
from datetime import UTC, datetime

import pytest
from feast.protos.feast.types.Value_pb2 import Null, Value
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import example, given
from hypothesis import strategies as st

from serving.predictor.lookup.values import timestamp_seconds, value_reader

KINDS = {
    "STRING": ("string_val", st.text(st.characters(codec="utf-8"), max_size=200)),
    "INT32": ("int32_val", st.integers(-(2**31), 2**31 - 1)),
    "INT64": ("int64_val", st.integers(-(2**63), 2**63 - 1)),
    "FLOAT": ("float_val", st.floats(width=32)),
    "DOUBLE": ("double_val", st.floats()),
    "BOOL": ("bool_val", st.booleans()),
}
values = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(st.just(kind), KINDS[kind][1])
)


@given(values)
def test_a_value_is_what_feast_wrote(case: tuple[str, object]) -> None:
    kind, value = case
    found = value_reader(kind)(Value(**{KINDS[kind][0]: value}).SerializeToString())
    assert type(found) is type(value)
    assert found == value or (math.isnan(found) and math.isnan(value))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_value_and_a_null_are_missing(kind: str) -> None:
    assert value_reader(kind)(Value().SerializeToString()) is None
    assert value_reader(kind)(Value(null_val=Null.NULL).SerializeToString()) is None


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=24))
@example("STRING", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example("INT64", b"\x20" + b"\x80" * 12)
@example("STRING", b"\x12\x02\xff\xfe")
def test_any_bytes_are_a_value_or_a_fault(kind: str, content: bytes) -> None:
    with contextlib.suppress(ValueError):
        found = value_reader(kind)(content)
        if found is not None:
            told = Value.FromString(content)
            assert told.WhichOneof("val") in {field for field, _ in KINDS.values()}


@given(values, st.data())
def test_a_value_that_is_cut_off_is_a_fault(case: tuple[str, object], data: st.DataObject) -> None:
    kind, value = case
    whole = Value(**{KINDS[kind][0]: value}).SerializeToString()
    if len(whole) > 1:
        end = data.draw(st.integers(1, len(whole) - 1))
        with pytest.raises(ValueError):
            value_reader(kind)(whole[:end])


def test_a_text_where_a_number_belongs_is_a_fault() -> None:
    text = Value(string_val="12").SerializeToString()
    with pytest.raises(ValueError):
        value_reader("INT64")(text)
    with pytest.raises(ValueError):
        value_reader("STRING")(Value(int64_val=12).SerializeToString())


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_timestamp_is_read_in_seconds(moment: datetime) -> None:
    message = Timestamp()
    message.FromDatetime(moment)
    assert timestamp_seconds(message.SerializeToString()) == pytest.approx(moment.timestamp())


@given(st.binary(max_size=24))
def test_any_bytes_are_a_timestamp_or_a_fault(content: bytes) -> None:
    try:
        Timestamp.FromString(content)
    except DecodeError:
        with pytest.raises(ValueError):
            timestamp_seconds(content)
    else:
        with contextlib.suppress(ValueError):
            timestamp_seconds(content)
