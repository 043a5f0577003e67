"""Which images there are, and what they are called."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from millrace.errors import MillraceError
from millrace.workload.code import nearest

FOLDER = Path("images")
CLUSTER = ["serving", "rollout", "mlflow"]
"""The roles that run on a cluster all the time."""


def known_roles() -> list[str]:
    """Return the roles that have a Dockerfile."""
    return sorted(file.parent.name for file in FOLDER.glob("*/Dockerfile"))


def chosen(named: list[str]) -> list[str]:
    """Return the roles whose images are to be built.

    Args:
        named: what the user names; `all` is every role, nothing those that a cluster needs.

    Raises:
        MillraceError: a role does not exist.
    """
    known = known_roles()
    for name in named:
        if name not in [*known, "all"]:
            raise MillraceError(
                "there is no such role",
                where=name,
                expected=f"one of {', '.join(known)}",
                remedy=nearest(name, known),
            )
    return known if "all" in named else list(dict.fromkeys(named)) or CLUSTER


def image_name(role: str) -> str:
    """Return the name of a role's image: `REGISTRY/ROLE:VERSION`."""
    registry = os.environ.get("MILLRACE_REGISTRY", "").rstrip("/") or "millrace"
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{registry}/{role}:{project['version']}"
