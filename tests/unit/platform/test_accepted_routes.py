"""Whatever the reader of routes accepts, Envoy accepts too: one route cannot stop all others."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from envoy_checks import refusal, static
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from releases import files

from millrace.errors import ReleaseError
from serving.local.desired import read_wanted
from serving.local.splits import Endpoint

ARMS = {"pumps-v1": (Endpoint(21001, 21002),), "pumps-v2": (Endpoint(21003, 21004),)}


def mostly(good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw what is right nine times of ten, so that whole routes are accepted often enough."""
    return st.integers(0, 9).flatmap(lambda number: good if number else odd)


hostnames = mostly(
    st.from_regex(
        r"(\*\.)?[a-zA-Z0-9]([-a-z0-9]{0,5}[a-z0-9])?(\.[a-z]{1,3}){0,2}", fullmatch=True
    ),
    st.sampled_from(["*", "", "a:80", "*.", "a..b", "-a", "a" * 254, "ü.x"]) | st.text(max_size=4),
)
names = mostly(
    st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}", fullmatch=True),
    st.sampled_from(["Host", "hOST", ":path", ":status", "", "a b", "a:b", "ü", "a" * 257])
    | st.text(max_size=4),
)
headers = mostly(
    st.text(st.characters(min_codepoint=33, max_codepoint=600), max_size=6)
    | st.sampled_from(["%", "%REQ(x)%", "a\tb", "", "%" * 4096, "ü" * 4096]),
    st.text(max_size=4) | st.sampled_from(["a\nb", "\0", " a", "a" * 4097, "a\r"]),
)
pairs = st.lists(st.fixed_dictionaries({"name": names, "value": headers}), max_size=3)
modifiers = st.fixed_dictionaries({}, optional={"set": pairs, "add": pairs})
modifiers_with_removals = st.tuples(modifiers, st.lists(names, max_size=2)).map(
    lambda both: {**both[0], "remove": both[1]}
)
shares = st.fixed_dictionaries({"percent": st.integers(0, 101)}) | st.fixed_dictionaries(
    {"fraction": st.fixed_dictionaries({"numerator": st.integers(0, 2**33)})}
)
filters = st.lists(
    st.one_of(
        modifiers_with_removals.map(
            lambda one: {"type": "RequestHeaderModifier", "requestHeaderModifier": one}
        ),
        modifiers_with_removals.map(
            lambda one: {"type": "ResponseHeaderModifier", "responseHeaderModifier": one}
        ),
        shares.map(
            lambda share: {
                "type": "RequestMirror",
                "requestMirror": {
                    "backendRef": {"name": "pumps-v2-predictor", "port": 80},
                    **share,
                },
            }
        ),
    ),
    max_size=2,
)
timeouts = mostly(
    st.from_regex(r"([0-9]{1,5}(h|m|s|ms)){1,4}", fullmatch=True),
    st.sampled_from(["", "10", "1.5s", "-1s", "1d", "999999h"]) | st.text(max_size=4),
)
texts = st.tuples(st.lists(hostnames, min_size=1, max_size=3), filters, filters, timeouts)


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(texts)
def test_envoy_accepts_every_route_that_the_reader_accepts(found: tuple[Any, ...]) -> None:
    hosts, for_all, of_one, timeout = found
    release = files()
    documents = list(yaml.safe_load_all(release["pumps/route.yaml"]))
    for document in documents:
        document["spec"]["hostnames"] = hosts
        rule = document["spec"]["rules"][0]
        rule.update(filters=for_all, timeouts={"request": timeout})
        rule["backendRefs"][0]["filters"] += of_one
    release["pumps/route.yaml"] = yaml.safe_dump_all(documents).encode()
    try:
        wanted = read_wanted(release, "pumps")
    except ReleaseError as refused:
        assert "\n" not in str(refused)
        assert refused.where.startswith("pumps/route.yaml:")
        event("refused")
        return
    assert wanted is not None
    assert wanted.host is not None
    event("accepted")
    with tempfile.TemporaryDirectory() as folder:
        assert refusal(Path(folder), static(Path(folder), [wanted.host], ARMS)) == ""
