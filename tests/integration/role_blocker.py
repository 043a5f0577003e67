"""Keep a program from importing what its role's requirements do not hold."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable
from pathlib import Path

_BLOCKER = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            return None
        return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def foreign_modules(locked: Path) -> set[str]:
    """Return the top-level modules of every installed package that a role does not have.

    Args:
        locked: the role's requirements.
    """
    found = re.findall(r"^([A-Za-z0-9._-]+)==", locked.read_text(), re.MULTILINE)
    ours = {_normal(name) for name in [*found, "millrace"]}
    owners = importlib.metadata.packages_distributions()
    return {
        module for module, names in owners.items() if not ours & {_normal(name) for name in names}
    }


def block(modules: Iterable[str], folder: Path) -> None:
    """Let Python programs that have a folder in PYTHONPATH not find these modules."""
    text = f"BLOCKED = {set(modules)!r}\n{_BLOCKER}"
    (folder / "sitecustomize.py").write_text(text)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
