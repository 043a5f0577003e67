"""Resolve requirements/*.in into pinned, hashed files that agree with each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path("requirements")


def lock(name: str, *, agree_with: str | None = None) -> None:
    """Write NAME.txt from NAME.in; `agree_with` names another file whose versions it must keep."""
    command = [
        *(
            str(Path(sys.executable).with_name("uv")),
            "pip",
            "compile",
            "--quiet",
            "--python-version",
            "3.11",
            "--python-platform",
        ),
        *("x86_64-manylinux_2_31", "--generate-hashes", "--no-emit-index-url", "--no-header"),
        *("--output-file", str(FOLDER / f"{name}.txt"), str(FOLDER / f"{name}.in")),
        *(("--constraints", str(FOLDER / f"{agree_with}.txt")) if agree_with else ()),
    ]
    subprocess.run(command, check=True)
    sys.stdout.write(f"requirements/{name}.txt\n")


def main() -> None:
    """Resolve the laptop's file first; the roles' files then take its versions."""
    lock("dev")
    lock("pipeline", agree_with="dev")
    lock("training", agree_with="dev")
    lock("serving", agree_with="dev")
    lock("rollout", agree_with="dev")
    lock("mlflow", agree_with="dev")
    lock("peers")
    lock("uv")


if __name__ == "__main__":
    main()
