"""Other programs: what they say goes to a log, and of a failure their own last words are told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from millrace.errors import MillraceError

FOLDER = Path("build/kind")
LOG = FOLDER / "log.txt"
REMEDIES = {
    "docker": "install Docker, and start it",
    "kind": "install kind (kind.sigs.k8s.io)",
    "kubectl": "install kubectl",
    "helm": "install Helm 3",
    "git": "install git",
}


def needed(programs: Sequence[str], environment: Mapping[str, str]) -> None:
    """See that programs are there.

    Raises:
        MillraceError: one is not.
    """
    for program in programs:
        if shutil.which(program, path=environment.get("PATH")) is None:
            raise MillraceError("is not installed", where=program, remedy=REMEDIES[program])


class Shell:
    """Runs programs in one environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the environment variables that programs get."""
        self.environment = dict(environment)
        FOLDER.mkdir(parents=True, exist_ok=True)

    def run(
        self,
        *words: str,
        given: str | None = None,
        timeout: float = 600.0,
        quiet: bool = False,
    ) -> str:
        """Run a program and return what it printed.

        Args:
            words: the program and its arguments.
            given: what it reads.
            timeout: seconds that it may take.
            quiet: whether the log keeps nothing of what it printed.

        Raises:
            MillraceError: it failed; its last line says why, and the log has the rest.
        """
        try:
            done = subprocess.run(
                words,
                input=given,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError as error:
            raise MillraceError("is not installed", where=words[0]) from error
        except subprocess.TimeoutExpired as error:
            raise MillraceError(
                f"did not end within {timeout:g} s", where=_shown(words), remedy=f"see {LOG}"
            ) from error
        with LOG.open("a", encoding="utf-8") as log:
            told = "" if quiet else f"{done.stdout}{done.stderr}"
            log.write(f"$ {_shown(words)}\n{told}\n")
        if done.returncode:
            raise MillraceError(
                _last_words(done.stderr or done.stdout),
                where=_shown(words),
                remedy=f"see the end of {LOG}",
            )
        return done.stdout

    def succeeds(self, *words: str) -> bool:
        """Return whether a program ends with 0; why not does not matter."""
        try:
            self.run(*words)
        except MillraceError:
            return False
        return True


def _shown(words: Sequence[str]) -> str:
    """Return a command as people may see it: short."""
    shown = " ".join(words[:7])
    return shown if len(words) <= 7 else f"{shown} ..."


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    faults = [line for line in lines if line.lower().startswith(("error", "fatal"))]
    return (faults or lines or ["it failed and said nothing"])[-1]
