"""Where the command writes: tables for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

console = Console(file=sys.stdout, highlight=False)
"""For what people read; it keeps writing there while kfp's own chatter is redirected."""


def print_json(value: Any) -> None:
    """Print a value as JSON, and nothing else, to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
