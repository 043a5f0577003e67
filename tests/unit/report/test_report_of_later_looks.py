"""A run for a time that was run for before says in its report what has changed since."""

from __future__ import annotations

from html_checks import read
from report_documents import digest, snapshot
from report_endings import ENDINGS

from millrace.ingest.snapshot import Difference
from millrace.report import render

CHANGED = Difference(earlier=digest("before"), added=3, gone=0, became_known=1204, corrected=1)


def test_what_became_known_since_the_last_look_stands_in_the_report() -> None:
    looked_at = snapshot().model_copy(update={"difference": CHANGED})
    summary = ENDINGS["passed"]().model_copy(update={"snapshot": looked_at})
    told = read(render(summary)).visible
    assert (
        "Since the last look as of then records: 3 added, 1,204 with an outcome that has become "
        "known, 1 corrected"
    ) in told


def test_a_first_look_says_nothing_of_a_last_one() -> None:
    assert "Since the last look" not in read(render(ENDINGS["passed"]())).visible
