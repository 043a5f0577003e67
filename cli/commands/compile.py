"""`millrace compile`: the pipelines' IR YAML."""

from __future__ import annotations

import tempfile
from pathlib import Path

from cli.console import console
from millrace.errors import PipelineError
from pipelines.compile import COMPILED, compile_pipelines, images_for


def compile_(output: Path | None, registry: str, tag: str, *, check: bool) -> None:
    """Write the pipelines' IR YAML, or compare it with what stands there.

    Raises:
        PipelineError: with `check`, a file is out of date.
    """
    folder = output or COMPILED
    images = images_for(registry, tag)
    if not check:
        for file in compile_pipelines(folder, images):
            console.print(f"wrote {file}")
        return
    with tempfile.TemporaryDirectory() as scratch:
        for fresh in compile_pipelines(Path(scratch), images):
            kept = folder / fresh.name
            if not kept.is_file() or kept.read_bytes() != fresh.read_bytes():
                raise PipelineError(
                    "is out of date", where=str(kept), remedy="run `make compile` and commit it"
                )
    console.print(f"{folder} is up to date")
