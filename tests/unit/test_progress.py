"""Events are told from everything else that a step prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.progress import MARK, heard, say


def test_what_is_said_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    say("epoch_done", epoch=3, loss=0.25)
    assert heard(capsys.readouterr().out) == {"event": "epoch_done", "epoch": 3, "loss": 0.25}


@given(st.text())
def test_other_lines_are_no_events(line: str) -> None:
    assert heard(line) is None


@pytest.mark.parametrize("line", [MARK, MARK + "{", MARK + "[1]", MARK + "null"])
def test_a_broken_event_is_no_event(line: str) -> None:
    assert heard(line) is None
