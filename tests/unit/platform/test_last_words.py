"""Why a process ended, from what its log says last."""

from pathlib import Path

import pytest

from serving.local.last_words import last_words, size_of


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (
            "usage: x\npython -m x: error: unrecognized arguments: --y=1\n",
            "unrecognized arguments: --y=1",
        ),
        (
            '{"event": "cannot_serve", "message": "--latency: out of range"}\n',
            "--latency: out of range",
        ),
        ("Traceback ...\nKeyError: 'a'\n\n", "KeyError: 'a'"),
        ('{"event": "ready"}\n', ""),
        ("[1, 2]\n", "[1, 2]"),
        ("\x00\xff{\n", "\x00\xff{"),
        ("x" * 9000, "x" * 300 + "..."),
        ("", ""),
    ],
)
def test_the_last_line_is_quoted_if_it_says_anything(
    tmp_path: Path, text: str, quoted: str
) -> None:
    log = tmp_path / "a.log"
    log.write_text(text)
    assert last_words(log, 0) == quoted


def test_what_an_earlier_process_said_is_not_quoted(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("an earlier fault\n")
    assert last_words(log, size_of(log)) == ""


def test_a_log_that_was_cut_in_between_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("a fault\n")
    assert last_words(log, 10_000) == "a fault"


def test_without_a_log_nothing_is_quoted(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert (size_of(log), last_words(log, 0)) == (0, "")
