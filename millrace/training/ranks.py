"""The processes that train together: one by itself, or those that torchrun has started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from millrace.errors import TrainingError

Value = TypeVar("Value")


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together.

    Attributes:
        rank: number of this process, from 0; only rank 0 writes and speaks.
        size: how many there are.
        device: what this process computes on.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Return whether this process writes and speaks for all."""
        return self.rank == 0

    def share(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Return this rank's rows of a batch, and 1 for each that counts.

        Every rank gets the same number of rows, so that all take part in every exchange of
        gradients; those that fill up count 0.

        Args:
            batch: row numbers, int64 [b], b > 0, the same on every rank.
        """
        places = torch.arange(-(-len(batch) // self.size)) * self.size + self.rank
        return batch[places % len(batch)], (places < len(batch)).to(torch.float32)

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module such that its gradients are the mean over all ranks."""
        if self.size == 1:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=devices, find_unused_parameters=True)

    def total(self, value: Tensor) -> float:
        """Return the sum of a scalar over all ranks."""
        summed = value.detach().clone()
        if self.size > 1:
            dist.all_reduce(summed)
        return float(summed)

    def from_leader(self, value: Value) -> Value:
        """Return the value that rank 0 has."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]


@contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """Join the processes that the environment (as torchrun sets it) speaks of, and leave after.

    Raises:
        TrainingError: there are said to be others, and they do not answer.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else None
    here = device or torch.device("cpu")
    if size == 1:
        yield Ranks(0, 1, here)
        return
    try:
        dist.init_process_group("nccl" if cuda else "gloo")
    except (ValueError, RuntimeError) as error:
        raise TrainingError(
            f"the {size} processes do not find each other: {str(error).splitlines()[0]}",
            where="WORLD_SIZE",
            remedy="start them with torchrun, or unset WORLD_SIZE to train in one process",
        ) from error
    try:
        yield Ranks(dist.get_rank(), size, here)
    finally:
        dist.destroy_process_group()
