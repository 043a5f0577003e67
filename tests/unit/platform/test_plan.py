"""Weight moves only to arms that are ready; nothing keeps it on an arm that shall lose it."""

from hypothesis import given
from hypothesis import strategies as st

from serving.local.plan import Readiness, next_host
from serving.local.splits import Copies, Host, Split, Target

ARMS = ["a-v1", "a-v2", "a-v3"]


def host(weights: dict[str, int], copies: tuple[Copies, ...] = ()) -> Host:
    split = Split(tuple(Target(arm, weight) for arm, weight in weights.items()), copies)
    return Host("a", ("a.localhost",), split, split)


def served(found: Host) -> dict[str, int]:
    assert (found.http is None) == (found.grpc is None)
    return {arm: n for arm, n in found.http.weights.items() if n} if found.http else {}


def whole(*arms: str, why: dict[str, str] | None = None) -> Readiness:
    return Readiness(arms, arms, why or {})


def one_replica_of(arm: str, *, whole: tuple[str, ...] = ()) -> Readiness:
    return Readiness(whole, (arm, *whole), {arm: f"{arm} has failed"})


def test_the_declared_split_holds_once_every_arm_with_weight_is_ready() -> None:
    declared = host({"a-v1": 95, "a-v2": 5, "a-v3": 0})
    assert next_host(declared, whole("a-v1", "a-v2"), None) == (declared, "")


def test_until_then_the_split_before_stays_and_what_is_waited_for_is_told() -> None:
    before = host({"a-v1": 100})
    declared = host({"a-v1": 95, "a-v2": 5})
    arms = whole("a-v1", why={"a-v2": "a-v2 is starting"})
    assert next_host(declared, arms, before) == (before, "a-v2 is starting")


def test_weights_leave_an_arm_that_is_not_ready() -> None:
    before = host({"a-v1": 75, "a-v2": 25})
    declared = host({"a-v1": 100, "a-v2": 0})
    assert next_host(declared, whole("a-v1"), before) == (declared, "")


def test_a_rolled_back_canary_loses_its_share_though_a_replica_of_the_stable_arm_fails() -> None:
    before = host({"a-v1": 50, "a-v2": 50})
    declared = host({"a-v1": 100, "a-v2": 0})
    arms = one_replica_of("a-v1", whole=("a-v2",))
    assert next_host(declared, arms, before, "a-v2") == (declared, "")


def test_a_canary_keeps_its_share_while_nothing_else_answers() -> None:
    before = host({"a-v1": 50, "a-v2": 50})
    found = next_host(host({"a-v1": 100, "a-v2": 0}), whole("a-v2"), before, "a-v2")
    assert found == (before, "a-v1 does not exist")


def test_a_canary_gets_more_only_when_all_its_replicas_are_ready() -> None:
    before = host({"a-v1": 95, "a-v2": 5})
    declared = host({"a-v1": 75, "a-v2": 25})
    arms = one_replica_of("a-v2", whole=("a-v1",))
    assert next_host(declared, arms, before, "a-v2") == (before, "a-v2 has failed")


def test_an_arm_that_did_not_serve_gets_weight_only_when_all_its_replicas_are_ready() -> None:
    before = host({"a-v1": 100, "a-v2": 0})
    arms = one_replica_of("a-v2", whole=("a-v1",))
    found = next_host(host({"a-v1": 0, "a-v2": 100}), arms, before)
    assert found == (before, "a-v2 has failed")


def test_a_canary_that_does_not_answer_any_more_keeps_no_more_than_git_says() -> None:
    before = host({"a-v1": 75, "a-v2": 25})
    declared = host({"a-v1": 90, "a-v2": 10})
    assert next_host(declared, whole("a-v1"), before, "a-v2") == (declared, "a-v2 does not exist")


def test_an_arm_that_is_being_replaced_is_waited_for_though_its_weight_stays() -> None:
    declared = host({"a-v1": 100})
    arms = Readiness((), (), {"a-v1": "a-v1 is starting"})
    assert next_host(declared, arms, declared) == (declared, "a-v1 is starting")


def test_after_a_start_the_arm_with_the_most_weight_serves_before_the_others_are_ready() -> None:
    declared = host({"a-v1": 95, "a-v2": 5})
    found, waits_for = next_host(declared, whole("a-v1"), None)
    assert served(found) == {"a-v1": 95}
    assert waits_for == "a-v2 does not exist"


def test_after_a_start_one_replica_that_answers_is_better_than_none() -> None:
    declared = host({"a-v1": 100})
    assert next_host(declared, one_replica_of("a-v1"), None) == (declared, "")


def test_after_a_start_a_canary_alone_serves_nothing() -> None:
    found, _ = next_host(host({"a-v1": 95, "a-v2": 5}), whole("a-v2"), None)
    assert served(found) == {}


def test_copies_go_only_to_arms_that_are_ready_and_nothing_waits_for_those() -> None:
    declared = host({"a-v1": 100}, (Copies("a-v2", 100),))
    found, waits_for = next_host(declared, whole("a-v1"), None)
    assert waits_for == ""
    assert found.http is not None
    assert found.http.copies == ()
    found, _ = next_host(declared, whole("a-v1", "a-v2"), found)
    assert found == declared


some = st.sets(st.sampled_from(ARMS))
percents = st.lists(st.integers(0, 100), min_size=2, max_size=2).map(sorted)
splits = percents.map(lambda cuts: host(dict(zip(ARMS, _parts(*cuts), strict=True))))
readiness = st.tuples(some, some).map(lambda two: Readiness(two[0], two[0] | two[1]))
steps_of_a_life = st.lists(
    st.tuples(splits, readiness, st.sampled_from([*ARMS, ""])), min_size=1, max_size=8
)


def _parts(first: int, second: int) -> tuple[int, int, int]:
    return first, second - first, 100 - second


def may_gain(arm: str, had: dict[str, int], arms: Readiness, canary: str, main: str) -> bool:
    if arm in arms.whole:
        return True
    takes_back = had.get(arm, 0) > 0 and arm != canary
    return arm in arms.part and (takes_back if had else arm == main)


@given(steps_of_a_life)
def test_an_arm_never_gains_weight_that_it_may_not_have_and_no_other_wait_holds_weight_back(
    steps: list[tuple[Host, Readiness, str]],
) -> None:
    before: Host | None = None
    for declared, arms, canary in steps:
        found, waits_for = next_host(declared, arms, before, canary)
        had = served(before) if before else {}
        wants = served(declared)
        main = max(wants, key=lambda arm: wants[arm])
        gains = {arm for arm, weight in wants.items() if weight > had.get(arm, 0)}
        allowed = {arm for arm in gains if may_gain(arm, had, arms, canary, main)}
        for arm, weight in served(found).items():
            assert weight <= had.get(arm, 0) or arm in allowed
        assert (served(found) == wants) == (gains == allowed)
        assert bool(waits_for) == (gains != allowed or not wants.keys() <= {*arms.part})
        before = found
