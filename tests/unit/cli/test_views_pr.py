"""A pull request on a terminal loses nothing of its evidence, however narrow that is."""

from rich.console import Console

from cli.views_pr import show_pull_request
from millrace.deploy import PullRequest

DIGEST = "0123456789abcdef" * 4
BODY = f"""\
| what | which |
|---|---|
| champion compared with | s3://millrace/bundles/sha256/{DIGEST} |

---

Millrace-Workload: churn
Millrace-Version: 2
"""


def printed(width: int) -> str:
    console = Console(width=width, color_system=None)
    pull = PullRequest(
        number=2,
        branch="millrace/churn/0123456789ab/release",
        title="Release churn v2",
        body=BODY,
        state="open",
        head="1" * 40,
        created=0.0,
    )
    with console.capture() as capture:
        show_pull_request(console, pull, [], "")
    return capture.get()


def test_an_address_too_long_for_the_terminal_is_folded_and_not_cut() -> None:
    text = printed(60)
    assert "…" not in text
    cells = "".join(line[25:].strip() for line in text.splitlines())
    assert f"s3://millrace/bundles/sha256/{DIGEST}" in cells


def test_what_scripts_read_stands_on_lines_of_its_own() -> None:
    lines = [line.rstrip() for line in printed(100).splitlines()]
    assert "Millrace-Workload: churn" in lines
    assert "Millrace-Version: 2" in lines
