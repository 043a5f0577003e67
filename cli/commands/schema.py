"""`millrace schema`: the JSON Schema of workload.yaml."""

from __future__ import annotations

import sys

from cli.console import console
from millrace.errors import WorkloadError
from millrace.workload.schema import SCHEMA_FILE, schema_text


def schema(*, write: bool, check: bool) -> None:
    """Print the schema, write it to its place, or compare it with what stands there.

    Raises:
        WorkloadError: with `check`, the file is out of date.
    """
    text = schema_text()
    if check:
        if not SCHEMA_FILE.is_file() or SCHEMA_FILE.read_text(encoding="utf-8") != text:
            raise WorkloadError(
                "is out of date", where=str(SCHEMA_FILE), remedy="run `make compile` and commit it"
            )
        console.print(f"{SCHEMA_FILE} is up to date")
    elif write:
        SCHEMA_FILE.write_text(text, encoding="utf-8")
        console.print(f"wrote {SCHEMA_FILE}")
    else:
        sys.stdout.write(text)
