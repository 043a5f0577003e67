"""Entity keys are written byte for byte as Feast writes them."""

from __future__ import annotations

import struct

import mmh3
import pytest
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from millrace.features.lookup import JoinKey
from serving.predictor.lookup.keys import key_writer
from serving.predictor.lookup.murmur import murmur3_32

_FIELDS = {"STRING": "string_val", "INT32": "int32_val", "INT64": "int64_val"}
texts = st.text(st.characters(codec="utf-8"), max_size=20)
parts = st.one_of(
    st.tuples(st.just("STRING"), texts),
    st.tuples(st.just("INT32"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("INT64"), st.integers(-(2**63), 2**63 - 1)),
)


@given(st.dictionaries(texts.filter(bool), parts, min_size=1, max_size=4))
def test_a_key_is_the_bytes_that_feast_makes_of_it(key: dict[str, tuple[str, str | int]]) -> None:
    names = sorted(key)
    theirs = serialize_entity_key(
        EntityKey(
            join_keys=list(key),
            entity_values=[Value(**{_FIELDS[kind]: value}) for kind, value in key.values()],
        ),
        entity_key_serialization_version=3,
    )
    write = key_writer([JoinKey(name=name, type=key[name][0]) for name in names])  # type: ignore[arg-type]
    assert write(tuple(key[name][1] for name in names)) == theirs


def test_an_integer_that_does_not_fit_its_key_is_refused() -> None:
    write = key_writer([JoinKey(name="till", type="INT32")])
    with pytest.raises(struct.error):
        write((2**31,))


@given(st.binary(max_size=70))
def test_hashes_are_those_of_the_murmur_that_feast_uses(data: bytes) -> None:
    assert murmur3_32(data) == mmh3.hash(data, signed=False)
