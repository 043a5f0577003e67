"""The numbers of requests in the documentation are those that the simulation prints."""

from pathlib import Path

import pytest

from benchmarks.analysis_chances import DEFAULT
from benchmarks.analysis_tables import TABLES

PAGE = Path("docs/analysis.md")


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_the_page_is_what_its_command_prints(table: str) -> None:
    assert f"\n\n{TABLES[table]()}\n\n" in PAGE.read_text()


def test_the_page_names_the_command_and_the_tolerances_of_its_tables() -> None:
    text = PAGE.read_text()
    assert "`python -m benchmarks.analysis_tables`" in text
    assert f"errors: {DEFAULT['errors']}, slow: {DEFAULT['slow']}" in text
