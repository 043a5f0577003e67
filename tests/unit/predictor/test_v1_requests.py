"""Bodies of the v1 protocol become columns, or a fault that points at what is wrong."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.predictor.faults import ClientFault
from serving.predictor.signature import Signature
from serving.predictor.v1 import V1Reader

MAX_ROWS = 1000


def read(signature: Signature, *instances: Any) -> Any:
    return V1Reader(signature, MAX_ROWS).read(json.dumps({"instances": instances}).encode(), "ours")


def test_objects_are_read_by_name_and_lists_by_order(signature: Signature) -> None:
    request = read(
        signature,
        {"weather": "rain", "load": True, "pressure": 1, "site": None},
        [None, "north", 2.5, "sun"],
    )
    assert request.rows == 2
    assert request.absent == {}
    np.testing.assert_array_equal(request.features["pressure"], [[1], [np.nan]])
    np.testing.assert_array_equal(request.features["load"], [[1], [2.5]])
    assert request.features["site"].tolist() == [[""], ["north"]]
    assert request.features["weather"].tolist() == [["rain"], ["sun"]]


def test_what_a_row_does_not_bring_is_absent_and_what_it_brings_as_null_is_missing(
    signature: Signature,
) -> None:
    request = read(signature, {"pump": "p1"}, {"pressure": None}, {"pressure": 2, "pump": "p3"})
    assert request.absent["pressure"].tolist() == [True, False, False]
    assert request.keys == {"pump": ["p1", None, "p3"]}
    assert set(request.features) == {"pressure"}


@pytest.mark.parametrize(
    ("instance", "pointer"),
    [
        ({"pressure": "1"}, "/instances/0/pressure"),
        ({"pressure": 1e39}, "/instances/0/pressure"),
        ({"pressure": [1]}, "/instances/0/pressure"),
        ({"site": 1}, "/instances/0/site"),
        ({"machine": "1"}, "/instances/0/machine"),
        ({"machine": 2**31}, "/instances/0/machine"),
        ({"machine": True}, "/instances/0/machine"),
        ({"pump": None}, "/instances/0/pump"),
        ({"pump": ""}, "/instances/0/pump"),
        ({"a/b~c": 1}, "/instances/0/a~1b~0c"),
        ([1, "north"], "/instances/0"),
        (7, "/instances/0"),
    ],
)
def test_a_wrong_instance_is_pointed_at(signature: Signature, instance: Any, pointer: str) -> None:
    with pytest.raises(ClientFault) as caught:
        read(signature, instance)
    assert (caught.value.status, caught.value.pointer) == (400, pointer)


def test_an_unknown_input_is_told_with_the_one_most_like_it(signature: Signature) -> None:
    with pytest.raises(ClientFault) as caught:
        read(signature, {"Presure": 1})
    assert caught.value.message == "the model has no input 'Presure'; did you mean 'pressure'?"


def test_no_instances_are_a_fault(signature: Signature) -> None:
    for body in (b"{}", b'{"instances": []}', b'{"instances": {}}', b"[]"):
        with pytest.raises(ClientFault):
            V1Reader(signature, MAX_ROWS).read(body, "ours")


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([1])
NAMES = st.sampled_from(["pressure", "site", "load", "weather", "pump", "machine", "other"])


@given(st.lists(st.dictionaries(NAMES, VALUES) | st.lists(VALUES), max_size=4))
def test_any_instances_are_read_or_are_a_fault(signature: Signature, instances: list[Any]) -> None:
    try:
        request = read(signature, *instances)
    except ClientFault as found:
        assert found.status == 400
        return
    assert request.rows == len(instances)
    assert all(column.shape == (request.rows, 1) for column in request.features.values())


def test_more_rows_than_allowed_are_refused(signature: Signature) -> None:
    assert read(signature, *[{"pump": "p1"}] * MAX_ROWS).rows == MAX_ROWS
    with pytest.raises(ClientFault, match="at most 1000 rows") as caught:
        read(signature, *[{"pump": "p1"}] * (MAX_ROWS + 1))
    assert (caught.value.status, caught.value.pointer) == (400, "/instances")
