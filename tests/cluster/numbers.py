"""What tests measure goes where people see it: a file, and the end of the run."""

import json
from pathlib import Path
from typing import Any

FILE = Path("build/cluster-numbers.json")


def note(name: str, value: Any) -> None:
    """Add a number, or a sentence, to those of this run."""
    found = numbers()
    found[name] = value
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(found, indent=1))


def numbers() -> dict[str, Any]:
    """Return those of this run."""
    if not FILE.exists():
        return {}
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found
