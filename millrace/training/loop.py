"""The training loop: epochs over rows in memory, early stopping, a checkpoint after each epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from millrace.errors import TrainingError
from millrace.progress import say
from millrace.training.checkpoint import Checkpoint, Progress
from millrace.training.faults import first_line
from millrace.training.loss import Loss
from millrace.training.ranks import Ranks
from millrace.training.repeatable import permutation, seed_everything
from millrace.training.report import Epoch
from millrace.workload.spec import Training

VALIDATION_BATCH = 8192


@dataclass(frozen=True)
class Rows:
    """A part of the training set as tensors on the device.

    Attributes:
        numbers: float32 [n, numbers], as the module gets them.
        categories: int64 [n, categories], as the module gets them.
        label: float32 [n]: 0 or 1, or a standardised number.
        weight: float32 [n], how much each row weighs in the loss.
    """

    numbers: Tensor
    categories: Tensor
    label: Tensor
    weight: Tensor

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.label)

    def loss(self, loss: Loss, module: nn.Module, ranks: Ranks, batch: Tensor) -> Tensor:
        """Return the weighted loss of this rank's share of a batch, summed over rows."""
        share, counts = (part.to(self.label.device) for part in ranks.share(batch))
        answers = module(self.numbers[share], self.categories[share])
        return loss(answers, self.label[share], self.weight[share] * counts)


@dataclass(frozen=True)
class Loop:
    """One training: what is fitted, to what, how, and who takes part."""

    module: nn.Module
    train: Rows
    validation: Rows
    loss: Loss
    settings: Training
    ranks: Ranks
    checkpoint: Checkpoint

    def run(self, resumed: Progress | None) -> Progress:
        """Train until an end is reached.

        Args:
            resumed: how far a killed attempt had come, if there was one.

        Returns:
            The progress after the last epoch, with the best state.

        Raises:
            TrainingError: the loss or the weights are no longer finite.
        """
        optimizer = torch.optim.AdamW(
            self.module.parameters(),
            lr=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
        )
        if resumed is not None:
            self.module.load_state_dict(resumed.module)
            optimizer.load_state_dict(resumed.optimizer)
        wrapped = self.ranks.wrap(self.module)
        curve = list(resumed.curve) if resumed else []
        best = resumed.best if resumed else {}
        while not finished(curve, self.settings.epochs, self.settings.patience):
            epoch = self._epoch(wrapped, optimizer, len(curve) + 1)
            curve.append(epoch)
            if best_epoch(curve) == epoch.epoch:
                best = _copy(self.module.state_dict())
            if self.ranks.leads:
                state = self.module.state_dict()
                self.checkpoint.save(Progress(state, optimizer.state_dict(), best, curve))
                say("epoch_done", epochs=self.settings.epochs, **epoch.model_dump())
        return Progress(self.module.state_dict(), optimizer.state_dict(), best, curve)

    def _epoch(self, wrapped: nn.Module, optimizer: torch.optim.Optimizer, number: int) -> Epoch:
        seed_everything(self.settings.seed, number, self.ranks.rank)
        rows = len(self.train)
        order = permutation(rows, self.settings.seed, number)
        # Batches differ by one row at most: a last batch of one row would break batch norm.
        batches = torch.tensor_split(order, -(-rows // self.settings.batch_size))
        wrapped.train()
        total = torch.zeros((), dtype=torch.float64, device=self.ranks.device)
        for place, batch in enumerate(batches, start=1):
            optimizer.zero_grad()
            loss = self.train.loss(self.loss, wrapped, self.ranks, batch)
            self._require_finite(float(loss.detach()), "loss", f"epoch {number}, batch {place}")
            # Ranks' gradients are averaged: times their number, that is the mean over the batch.
            torch.autograd.backward(loss * (self.ranks.size / len(batch)))
            self._step(optimizer, f"epoch {number}, batch {place}")
            total += loss.detach()
        train_loss = self.ranks.total(total) / rows
        where = f"epoch {number}, after batch {len(batches)}"
        for name, weight in self.module.named_parameters():
            self._require_finite(float(weight.detach().abs().sum()), f"weight {name!r}", where)
        validation_loss = self._validation_loss()
        self._require_finite(validation_loss, "validation loss", where)
        return Epoch(epoch=number, train_loss=train_loss, validation_loss=validation_loss)

    def _validation_loss(self) -> float:
        rows = len(self.validation)
        self.module.eval()
        total = torch.zeros((), dtype=torch.float64, device=self.ranks.device)
        with torch.no_grad():
            for batch in torch.split(torch.arange(rows), VALIDATION_BATCH):
                total += self.validation.loss(self.loss, self.module, self.ranks, batch)
        return self.ranks.total(total) / rows

    def _step(self, optimizer: torch.optim.Optimizer, where: str) -> None:
        try:
            optimizer.step()
        except RuntimeError as error:
            raise TrainingError(
                f"AdamW cannot take the step of {where}: {first_line(error)}",
                where=self.settings.module,
                found=f"a learning rate of {self.settings.learning_rate:g}",
                remedy="lower training.learning_rate in workload.yaml, and use dense gradients",
            ) from error

    def _require_finite(self, value: float, what: str, where: str) -> None:
        if math.isfinite(value):
            return
        rate = self.settings.learning_rate
        raise TrainingError(
            f"training diverged: the {what} became {value} in {where}",
            where=self.settings.module,
            found=f"a learning rate of {rate:g}",
            remedy=f"lower training.learning_rate in workload.yaml, to {rate / 10:g} say, "
            "or look for a logarithm, root or division in the module",
        )


def best_epoch(curve: list[Epoch]) -> int:
    """Return the number of the first epoch with the least validation loss."""
    return min(curve, key=lambda epoch: (epoch.validation_loss, epoch.epoch)).epoch


def finished(curve: list[Epoch], epochs: int, patience: int) -> bool:
    """Return whether all epochs are done, or so many went by without a better one."""
    if not curve:
        return False
    return len(curve) >= epochs or len(curve) - best_epoch(curve) >= patience


def _copy(state: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
