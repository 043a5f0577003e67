"""Weight moves only to arms that are ready; until then the split before stays."""

from hypothesis import given
from hypothesis import strategies as st

from serving.local.plan import next_host
from serving.local.splits import Copies, Host, Split, Target

ARMS = ["a-v1", "a-v2", "a-v3"]


def host(weights: dict[str, int], copies: tuple[Copies, ...] = ()) -> Host:
    split = Split(tuple(Target(arm, weight) for arm, weight in weights.items()), copies)
    return Host("a", ("a.localhost",), split, split)


def served(found: Host) -> dict[str, int]:
    assert (found.http is None) == (found.grpc is None)
    return {arm: n for arm, n in found.http.weights.items() if n} if found.http else {}


def test_the_declared_split_holds_once_every_arm_with_weight_is_ready() -> None:
    declared = host({"a-v1": 95, "a-v2": 5, "a-v3": 0})
    assert next_host(declared, {"a-v1", "a-v2"}, {}, None) == (declared, "")


def test_until_then_the_split_before_stays_and_what_is_waited_for_is_told() -> None:
    before = host({"a-v1": 100})
    declared = host({"a-v1": 95, "a-v2": 5})
    why = {"a-v2": "a-v2 is starting"}
    assert next_host(declared, {"a-v1"}, why, before) == (before, "a-v2 is starting")


def test_weights_leave_an_arm_that_is_not_ready() -> None:
    before = host({"a-v1": 75, "a-v2": 25})
    declared = host({"a-v1": 100, "a-v2": 0})
    assert next_host(declared, {"a-v1"}, {}, before) == (declared, "")


def test_after_a_start_the_arm_with_the_most_weight_serves_before_the_others_are_ready() -> None:
    declared = host({"a-v1": 95, "a-v2": 5})
    found, waits_for = next_host(declared, {"a-v1"}, {}, None)
    assert served(found) == {"a-v1": 95}
    assert waits_for == "a-v2 does not exist"


def test_after_a_start_a_canary_alone_serves_nothing() -> None:
    found, _ = next_host(host({"a-v1": 95, "a-v2": 5}), {"a-v2"}, {}, None)
    assert served(found) == {}


def test_copies_go_only_to_arms_that_are_ready_and_nothing_waits_for_those() -> None:
    declared = host({"a-v1": 100}, (Copies("a-v2", 100),))
    found, waits_for = next_host(declared, {"a-v1"}, {}, None)
    assert waits_for == ""
    assert found.http is not None
    assert found.http.copies == ()
    found, _ = next_host(declared, {"a-v1", "a-v2"}, {}, found)
    assert found == declared


splits = st.dictionaries(st.sampled_from(ARMS), st.integers(0, 100), min_size=1).map(host)


@given(st.lists(st.tuples(splits, st.sets(st.sampled_from(ARMS))), min_size=1, max_size=8))
def test_an_arm_never_gains_weight_while_it_is_not_ready(
    steps: list[tuple[Host, set[str]]],
) -> None:
    before: Host | None = None
    for declared, ready in steps:
        found, waits_for = next_host(declared, ready, {}, before)
        had = served(before) if before else {}
        for arm, weight in served(found).items():
            assert arm in ready or had.get(arm) == weight
        assert (served(found) == served(declared)) or waits_for
        before = found
