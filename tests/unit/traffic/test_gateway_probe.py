"""The gateway benchmark ends a move when the old arm answers no more, not when the new one does."""

from benchmarks.gateway_probe import QUIET, Heard, turn


def line(versions: str, step: float = 0.1) -> list[Heard]:
    return [Heard(10 + number * step, version) for number, version in enumerate(versions)]


def test_a_move_ends_with_the_first_answer_after_the_last_of_the_old_arm() -> None:
    found = turn(line("11121222222"), "1")
    assert found is not None
    assert round(found, 3) == 10.5


def test_a_move_is_not_over_before_the_old_arm_was_quiet_for_a_while() -> None:
    assert turn(line("11122", step=QUIET / 2), "1") is None
    assert turn(line("1111"), "1") is None
    assert turn([], "1") is None
