"""Checkpoints: what a killed training resumes from, one file that is whole or is not used."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from millrace.digests import digest_of_bytes, digest_of_json
from millrace.files import remove_whole, write_whole
from millrace.progress import say
from millrace.training.report import Epoch
from millrace.workload import Workload
from millrace.workload.code import code_revision


@dataclass(frozen=True)
class Progress:
    """How far training has come after an epoch.

    Attributes:
        module: state of the module.
        optimizer: state of the optimizer.
        best: state of the module after the epoch with the least validation loss.
        curve: the epochs so far. There is no random state: it is a function of seed and epoch.
    """

    module: dict[str, Any]
    optimizer: dict[str, Any]
    best: dict[str, Any]
    curve: list[Epoch]


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of one training, in a folder of its own.

    Attributes:
        folder: where it lies; nothing else is touched there.
        tag: what is being trained; a checkpoint with another tag is of something else.
    """

    folder: Path
    tag: str

    @property
    def file(self) -> Path:
        """Return the path of the one file."""
        return self.folder / "latest.ckpt"

    def save(self, progress: Progress) -> None:
        """Write progress in place of what was there before, whole or not at all."""
        content = io.BytesIO()
        fields = {
            "tag": self.tag,
            "module": progress.module,
            "optimizer": progress.optimizer,
            "best": progress.best,
            "curve": [epoch.model_dump() for epoch in progress.curve],
        }
        torch.save(fields, content)
        payload = content.getvalue()
        # The digest comes first: torch would load a file with a flipped bit without a word.
        write_whole(self.file, digest_of_bytes(payload).encode() + b"\n" + payload)

    def load(self) -> Progress | None:
        """Return the progress of a killed attempt at the same training, if there is one."""
        if not self.file.exists():
            return None
        digest, _, payload = self.file.read_bytes().partition(b"\n")
        if digest != digest_of_bytes(payload).encode():
            self._say_ignored("it is corrupt")
            return None
        fields = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
        if fields["tag"] != self.tag:
            self._say_ignored("it is of other data, parameters or code")
            return None
        return Progress(
            module=fields["module"],
            optimizer=fields["optimizer"],
            best=fields["best"],
            curve=[Epoch(**epoch) for epoch in fields["curve"]],
        )

    def remove(self) -> None:
        """Remove the checkpoint, and its folder if nothing else is in it."""
        remove_whole(self.file)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _say_ignored(self, reason: str) -> None:
        say("checkpoint_ignored", level="warning", file=str(self.file), reason=reason)


def training_tag(workload: Workload, dataset: str, world_size: int, revision: str = "") -> str:
    """Return the digest of all that the trained weights are a function of.

    Args:
        workload: its training section and its code.
        dataset: digest of the training set.
        world_size: processes that train together; they share out each batch.
        revision: digest of the platform's and the workload's code; computed if it is empty.
    """
    return digest_of_json(
        {
            "dataset": dataset,
            "training": workload.spec.training.model_dump(mode="json"),
            "code": revision or code_revision(workload),
            "torch": str(torch.__version__),
            "world_size": world_size,
        }
    )
