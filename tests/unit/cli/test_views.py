"""Tables for people lose nothing, however narrow the terminal is."""

import subprocess
import sys

import pytest
from rich.console import Console

from cli.views import candidates_table
from millrace.registry.registration import Candidate


def candidate(version: int, *, champion: bool = False) -> Candidate:
    return Candidate(
        name="a-workload-with-a-very-long-name-indeed",
        version=version,
        digest=f"{version:064x}",
        model=f"{version:064x}",
        uri="s3://millrace/bundles/sha256/1",
        created="2026-02-03T04:05:06+00:00",
        run="run",
        champion=champion,
        metrics={"roc_auc": 0.8461},
        snapshot="f" * 64,
        signal="manual",
    )


def printed(width: int) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(candidates_table([candidate(2, champion=True), candidate(1)]))
    return capture.get()


def test_candidates_are_told_on_a_line_each() -> None:
    heads, _, first, second = printed(1000).strip().splitlines()
    names = ["workload", "version", "champion", "bundle", "metric", "created"]
    assert heads.split() == names
    name = "a-workload-with-a-very-long-name-indeed"
    rest = ["0" * 12, "ROC", "AUC", "0.846", "2026-02-03", "04:05"]
    assert first.split() == [name, "2", "yes", *rest]
    assert second.split() == [name, "1", *rest]


def test_candidates_for_a_number_are_told_by_their_error() -> None:
    number = candidate(3).model_copy(update={"metrics": {"mae": 3.2, "rmse": 4.1234}})
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(candidates_table([number]))
    assert "RMSE 4.123" in capture.get()


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_folds_and_cuts_nothing(width: int) -> None:
    text = printed(width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert "".join(text.split()).count("0") > 20


def test_what_is_piped_is_as_wide_as_it_needs() -> None:
    code = "from cli.console import console; console.print(' '.join(['word'] * 100))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
