"""Runs as they end in life, for the tests of the report."""

from __future__ import annotations

import pytest
from report_endings import ENDINGS

from millrace.runs.summary import RunSummary


@pytest.fixture(params=ENDINGS)
def any_ending(request: pytest.FixtureRequest) -> RunSummary:
    """Return the summary of a run, once for each way to end."""
    return ENDINGS[request.param]()
