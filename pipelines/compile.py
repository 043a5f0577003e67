"""Compile the pipelines to the IR YAML that a KFP backend and the laptop run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

from components.policy import DEFAULT_IMAGES, Role

COMPILED = Path(__file__).parent / "compiled"
"""Folder of the checked-in IR YAML."""

RETRAINING, MATERIALIZATION = "retraining.yaml", "materialization.yaml"


def images_for(registry: str, tag: str) -> dict[Role, str]:
    """Return the images of each role in a registry, such as `ghcr.io/acme/pipeline:1.2`."""
    return {role: f"{registry.rstrip('/')}/{role}:{tag}" for role in DEFAULT_IMAGES}


def compile_pipelines(folder: Path, images: Mapping[Role, str] = DEFAULT_IMAGES) -> list[Path]:
    """Write each pipeline's IR YAML into a folder and return the files."""
    from kfp import compiler

    from pipelines.materialization import materialization
    from pipelines.retraining import retraining

    folder.mkdir(parents=True, exist_ok=True)
    made = {RETRAINING: retraining, MATERIALIZATION: materialization}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, pipeline in made.items():
            compiler.Compiler().compile(pipeline(images), str(folder / name))
    return [folder / name for name in made]
