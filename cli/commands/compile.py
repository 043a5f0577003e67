"""`millrace compile`: the pipelines' IR YAML."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from cli.console import console
from components.policy import Role
from millrace.errors import PipelineError
from pipelines.compile import COMPILED, compile_pipelines, images_for


def compile_(output: Path | None, registry: str, tag: str, *, check: bool) -> None:
    """Write the pipelines' IR YAML, or compare it with what stands there.

    Raises:
        PipelineError: with `check`, a file is out of date; without, it cannot be written.
    """
    folder = output or COMPILED
    images = images_for(registry, tag)
    try:
        told = _compare(folder, images) if check else _write(folder, images)
    except OSError as error:
        raise PipelineError(
            f"cannot be {'read' if check else 'written'}: {error.strerror or error}",
            where=str(error.filename or folder),
            remedy="name a folder that you may use with `--output`",
        ) from error
    for line in told:
        console.print(line)


def _write(folder: Path, images: Mapping[Role, str]) -> list[str]:
    return [f"wrote {file}" for file in compile_pipelines(folder, images)]


def _compare(folder: Path, images: Mapping[Role, str]) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        for fresh in compile_pipelines(Path(scratch), images):
            kept = folder / fresh.name
            if not kept.is_file() or kept.read_bytes() != fresh.read_bytes():
                raise PipelineError(
                    "is out of date", where=str(kept), remedy="run `make compile` and commit it"
                )
    return [f"{folder} is up to date"]
