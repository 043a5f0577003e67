"""Events are told from everything else that a step prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.progress import MARK, heard, listening, say


def test_what_is_said_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    say("epoch_done", epoch=3, loss=0.25)
    assert heard(capsys.readouterr().out) == {"event": "epoch_done", "epoch": 3, "loss": 0.25}


@given(st.text())
def test_other_lines_are_no_events(line: str) -> None:
    assert heard(line) is None


@pytest.mark.parametrize("line", [MARK, MARK + "{", MARK + "[1]", MARK + "null"])
def test_a_broken_event_is_no_event(line: str) -> None:
    assert heard(line) is None


def test_a_listener_in_the_same_process_hears_and_nothing_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    events: list[dict[str, object]] = []
    with listening(events.append):
        say("epoch_done", epoch=3)
    assert events == [{"event": "epoch_done", "epoch": 3}]
    assert capsys.readouterr().out == ""
    say("epoch_done", epoch=4)
    assert heard(capsys.readouterr().out) == {"event": "epoch_done", "epoch": 4}
