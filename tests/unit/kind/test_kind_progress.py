"""What runs is seen on a terminal while it runs; a file gets a line when it is done."""

import os
import pty
import subprocess
import sys
import time
from contextlib import closing

from tests.unit.kind.kind_world import ROOT, Machine

TWO = """
import os
from tools.kind.progress import step, together

def work(name):
    with step(name):
        assert os.read(0, 1)

together(lambda: work("Envoy Gateway"), lambda: work("images"))
with step("chart"):
    assert os.read(0, 1)
"""


class Terminal:
    """A terminal on which a program runs."""

    def __init__(self, program: str) -> None:
        self.seen = ""
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
            stdin=subprocess.PIPE,
            stdout=theirs,
            text=True,
        )
        os.close(theirs)

    def wait_for(self, *texts: str) -> None:
        """Read until something was shown since the last wait."""
        deadline, shown = time.monotonic() + 20, ""
        while not all(text in shown for text in texts):
            assert time.monotonic() < deadline, shown[-500:]
            shown += os.read(self._ours, 4096).decode()
        self.seen += shown

    def enter(self, times: int = 1) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n" * times)
        self._process.stdin.flush()

    def end(self) -> int:
        return self._process.wait(20)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        os.close(self._ours)


def test_a_terminal_shows_each_step_while_it_runs() -> None:
    with closing(Terminal(TWO)) as terminal:
        terminal.wait_for("Envoy Gateway", "images", "0:00:0")
        assert " s\r\n" not in terminal.seen
        terminal.enter(2)
        terminal.wait_for("chart")
        terminal.enter()
        terminal.wait_for(" s\r\n")
        assert terminal.end() == 0
    done = [line for line in terminal.seen.splitlines() if line.endswith(" s")]
    assert len(done) == 3


def test_a_file_gets_one_line_of_each_step_that_is_done(machine: Machine) -> None:
    done = machine.python("-c", TWO, given="\n\n\n")
    assert done.returncode == 0, done.stderr
    *first, last = done.stdout.splitlines()
    assert sorted(line.split("  ")[1] for line in first) == ["Envoy Gateway", "images"]
    assert last.startswith("  chart  ")
    assert last.endswith(" s")


def test_a_step_that_fails_leaves_no_line(machine: Machine) -> None:
    program = (
        "from millrace.errors import MillraceError\nfrom tools.kind.progress import step\n"
        "try:\n    with step('chart'):\n        raise MillraceError('it broke', where='helm')\n"
        "except MillraceError as error:\n    print(error)\n"
    )
    assert machine.python("-c", program).stdout == "chart: helm: it broke\n"
