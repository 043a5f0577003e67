"""YAML that people write is read, or refused in one line with its place, whatever they write."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from millrace.errors import ReleaseError
from millrace.located import read_documents


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("!!timestamp z", "this is no timestamp"),
        ("2026-13-01", "this is no timestamp: month must be in 1..12"),
        ("!!int ''", "this is no int"),
        ("!!int '0b'", "this is no int: invalid literal"),
        ("!!float _", "this is no float"),
        ("!!float " + ":".join(["1"] * 400), "this is no float"),
        ("!!bool maybe", "this is no bool"),
        ("!!set {a: !!bool maybe}", "this is no bool"),
        (r'"\ud800"', "this is no text"),
        (r'{"\ud800": 1}', "this is no text"),
    ],
)
def test_a_value_that_is_not_what_its_tag_says_is_told_with_its_line(value: str, told: str) -> None:
    with pytest.raises(ReleaseError) as refused:
        read_documents(f"name: a\nnote: {value}\n", "a.yaml", ReleaseError)
    assert str(refused.value).startswith(f"a.yaml:2: is not YAML: {told}")
    assert "NoneType" not in str(refused.value)


tags = st.sampled_from(
    [
        *("timestamp", "int", "float", "bool", "null", "binary", "str"),
        *("set", "omap", "pairs", "map", "seq", "merge", "value", "x"),
    ]
)
values = st.sampled_from(["''", "_", "0b", "0x", "1:2:3", "[1]", "{a: b}", ".", "-", "~"])


@given(tags, values | st.from_regex(r"[0-9:.eE+\-_zZtT ]{1,20}", fullmatch=True))
@example("str", r'"\UFFFFFFFF"')
def test_whatever_stands_behind_a_tag_is_read_or_refused_in_one_line(tag: str, value: str) -> None:
    try:
        read_documents(f"note: !!{tag} {value}", "a.yaml", ReleaseError)
    except ReleaseError as refused:
        assert "\n" not in str(refused)
        assert refused.where.startswith("a.yaml")
