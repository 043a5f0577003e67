"""How training went."""

from __future__ import annotations

from millrace.documents import Document


class Epoch(Document):
    """One pass over the training rows."""

    epoch: int
    train_loss: float
    validation_loss: float


class TrainingReport(Document):
    """What stands in `training.json`; beside it lie state.pt and preprocessing.json."""

    module: str
    parameters: dict[str, object]
    weights: int
    """Number of trained parameters."""
    curve: list[Epoch]
    best_epoch: int
    resumed_from: int = 0
    """Epoch that a killed attempt had reached; 0 if there was none."""
    device: str
    world_size: int = 1
    logit_offset: float = 0.0
    """Added to every logit, to undo the class weights; see `weighting`."""
