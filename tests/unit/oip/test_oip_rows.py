"""Messages of one row are read from their bytes as they are by way of protobuf."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from millrace.features.lookup import JoinKey, LookupField, LookupPlan, ViewLookup
from serving.predictor import oip_rows
from serving.predictor.answering import InferRequest
from serving.predictor.faults import ClientFault
from serving.predictor.oip_messages import ModelInferRequest
from serving.predictor.oip_reading import OipReader
from serving.predictor.oip_rows import RowReader
from serving.predictor.signature import Input, Signature

KEYS = [JoinKey(name="pump", type="STRING")]
FIELDS = [
    LookupField(name="pressure", type="DOUBLE"),
    LookupField(name="flow", type="DOUBLE"),
    LookupField(name="site", type="STRING"),
]
SIGNATURE = Signature(
    (
        Input("pressure", "number", "state"),
        Input("flow", "number", "state"),
        Input("site", "category", "state"),
    ),
    LookupPlan(project="pumps", views=[ViewLookup(view="state", join_keys=KEYS, fields=FIELDS)]),
)
MODEL: Any = SimpleNamespace(name="pumps", version="3", digest="d" * 64, signature=SIGNATURE)
MAX_ROWS = 1000


def number(name: str, value: float, shape: tuple[int, ...] = (1, 1)) -> dict[str, Any]:
    contents = {"fp32_contents": [value]}
    return {"name": name, "datatype": "FP32", "shape": shape, "contents": contents}


def category(name: str, value: bytes, shape: tuple[int, ...] = (1, 1)) -> dict[str, Any]:
    contents = {"bytes_contents": [value]}
    return {"name": name, "datatype": "BYTES", "shape": shape, "contents": contents}


def message(*inputs: dict[str, Any], **more: Any) -> bytes:
    content: bytes = ModelInferRequest(
        **{"model_name": "pumps", **more}, inputs=inputs
    ).SerializeToString()
    return content


ROW = (number("pressure", 1.5), number("flow", float("nan")), category("site", "Süd".encode()))

shapes = st.sampled_from([(1, 1)] * 6 + [(1,), (1,), (2, 1), (1, 2), ()])
names = st.sampled_from(["pressure", "flow", "site"] * 4 + ["pump", "other", ""])
values = st.floats(width=32) | st.sampled_from([float("nan"), float("inf"), 0.0])
texts = st.sampled_from([b"north", b"", "Süd".encode(), b"\xff", b"x" * 130]) | st.binary()
tensors = st.builds(number, names, values, shapes) | st.builds(category, names, texts, shapes)
rows = st.permutations(ROW) | st.lists(tensors, max_size=4)
requests = st.builds(
    lambda inputs, more: message(*inputs, **more),
    rows,
    st.fixed_dictionaries(
        {},
        optional={
            "model_name": st.sampled_from(["pumps", "pumps", "pump", ""]),
            "model_version": st.sampled_from(["", "3", "4"]),
            "id": st.sampled_from(["mine", "a b", "é", "x" * 127, "x" * 128, "x" * 129]),
            "parameters": st.just({"a": {"int64_param": 1}}),
            "outputs": st.just([{"name": "prediction"}]),
            "raw_input_contents": st.lists(st.binary(max_size=4), max_size=3),
        },
    ),
)
USED = OipReader(MODEL, MAX_ROWS)
"""Has read, and remembers, what the examples before brought."""


def the_long_way(content: bytes) -> InferRequest:
    reader = OipReader(MODEL, MAX_ROWS)
    reader._rows.read = lambda _: None  # type: ignore[method-assign]
    return reader.read(content)[0]


def expect_equal(content: bytes) -> None:
    """Compare the two ways: same requests, or the same faults."""
    try:
        expected = the_long_way(content)
    except ClientFault as fault:
        with pytest.raises(ClientFault) as told:
            USED.read(content)
        assert (told.value.status, told.value.message, told.value.pointer) == (
            fault.status,
            fault.message,
            fault.pointer,
        )
        return
    found, _ = USED.read(content)
    assert (found.id, found.rows, found.keys) == (expected.id, expected.rows, expected.keys)
    assert list(found.features) == list(expected.features)
    for name, column in expected.features.items():
        assert (found.features[name].dtype, found.features[name].shape) == (
            column.dtype,
            column.shape,
        )
        assert found.features[name].tobytes() == column.tobytes() or column.dtype == object
        assert repr(found.features[name].tolist()) == repr(column.tolist())


@given(requests)
@example(message(*ROW))
@example(message(number("pressure", float("inf"))))
@example(message(category("site", b"north", (1, 2))))
@example(message(category("site", b"north") | {"datatype": "FP32"}))
@example(message(category("pressure", b"north")))
@example(message(number("site", 1.0)))
@example(message(*ROW) + message())
def test_a_message_says_the_same_whichever_way_it_is_read(content: bytes) -> None:
    expect_equal(content)


@given(requests | st.just(message(*ROW, id="mine")), st.data())
def test_changed_and_cut_messages_say_the_same_whichever_way(
    content: bytes, data: st.DataObject
) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, max(len(changed) - 1, 0)))
        changed[place : place + 1] = data.draw(st.binary(max_size=2))
    expect_equal(bytes(changed[: data.draw(st.integers(0, len(changed)))]))


@pytest.mark.parametrize("version", ["", "3"])
@pytest.mark.parametrize("request_id", ["", "mine"])
@pytest.mark.parametrize("shape", [(1, 1), (1,)])
def test_one_row_of_the_model_s_own_types_is_read_from_its_bytes(
    version: str, request_id: str, shape: tuple[int, ...]
) -> None:
    inputs = [
        number("pressure", 1.5, shape),
        number("flow", float("nan"), shape),
        category("site", b"north", shape),
    ]
    content = message(*inputs, model_version=version, id=request_id)
    reader = RowReader(MODEL)
    for _ in range(2):
        found = reader.read(content)
        assert found is not None
        assert found[0] == request_id
        assert found[1]["pressure"].tolist() == [[1.5]]
        assert np.isnan(found[1]["flow"]).all()
        assert found[1]["site"].tolist() == [["north"]]


def test_requests_that_share_a_category_cannot_change_it() -> None:
    found = RowReader(MODEL).read(message(*ROW))
    assert found is not None
    with pytest.raises(ValueError, match="read-only"):
        found[1]["site"][0, 0] = "changed"


def test_texts_that_never_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oip_rows, "SEEN", 3)
    reader = RowReader(MODEL)
    for turn in range(10):
        found = reader.read(message(category("site", b"%d" % turn)))
        assert found is not None
        assert found[1]["site"].tolist() == [[str(turn)]]
    assert len(reader._seen) == 3
