"""What must never be in a report, and what must not change it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from html_checks import read
from hypothesis import given, settings
from hypothesis import strategies as st
from report_endings import ENDINGS
from report_rewriting import rewritten

from millrace.report import render
from millrace.runs.summary import RunSummary

HOSTILE = "\"'><script>alert(1)</script><img src=http://evil.example onerror=alert(1)>&amp;{{7*7}}"


def test_nothing_is_requested_and_nothing_runs(any_ending: RunSummary) -> None:
    page = read(render(any_ending))

    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(page.tags)
    assert page.values("src") == []
    assert all(value.startswith("#") for value in page.values("href"))
    assert not [name for e in page.elements for name in e.attributes if name.startswith("on")]
    style = " ".join(page.text_of("style"))
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("name", ["passed", "gate_failed", "rejected", "crashed"])
def test_hostile_names_and_values_are_inert(name: str) -> None:
    html = render(rewritten(ENDINGS[name](), HOSTILE))
    page = read(html)

    assert page.tags == read(render(rewritten(ENDINGS[name](), "x"))).tags
    assert page.faults == []
    assert "<script" not in html
    assert HOSTILE in page.visible


fragments = st.sampled_from(
    ["<b>", "</td>", "</style>", "<!--", "-->", '"', "' x=", ">", "&lt", "{{ x }}", "{% x", "x"]
)
texts = st.lists(fragments, min_size=1).map("".join) | st.text(min_size=1, max_size=300)


@settings(max_examples=30, deadline=None)
@given(text=texts.filter(lambda text: "`" not in text and bool(text.strip())))
def test_no_text_changes_the_structure_of_the_page(text: str) -> None:
    summary = ENDINGS["rejected"]()

    expected = read(render(rewritten(summary, "x")))
    page = read(render(rewritten(summary, text)))

    assert page.tags == expected.tags
    assert page.faults == []


def test_the_same_summary_gives_the_same_report_in_another_process() -> None:
    summary = ENDINGS["passed"]()
    program = "import sys; from millrace.report import render; "
    program += "from millrace.runs.summary import RunSummary; "
    program += "sys.stdout.write(render(RunSummary.model_validate_json(sys.stdin.read())))"

    other = subprocess.run(
        [sys.executable, "-c", program],
        input=summary.model_dump_json(),
        env={"PYTHONHASHSEED": "1", "PYTHONIOENCODING": "utf-8", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert other.stdout == render(summary)


def test_a_very_wide_batch_stays_readable_and_says_what_is_left_out() -> None:
    summary = ENDINGS["passed"]()
    assert summary.quality is not None
    quality = summary.quality
    wide = quality.model_copy(
        update={
            "columns": [
                quality.columns[n % 9].model_copy(update={"name": f"column_{n}" + "x" * 5000})
                for n in range(2000)
            ],
            "findings": [
                quality.findings[0].model_copy(update={"examples": ["y" * 10_000] * 5})
                for _ in range(1000)
            ],
        }
    )
    html = render(summary.model_copy(update={"quality": wide}))

    assert len(html.encode()) < 500_000
    assert "1850 more columns are in the run's summary." in read(html).visible
    assert "850 more are in the run's summary." in read(html).visible


def test_importing_the_report_loads_no_template_engine() -> None:
    program = "import sys, millrace.report; print('pydantic' in sys.modules); "
    program += "import millrace.report.page; print('jinja2' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.split() == [b"False", b"False"]
