"""Make torch repeat itself: everything random is a function of the seed and the epoch."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


@contextmanager
def repeatable(threads: int) -> Iterator[None]:
    """Run a block with deterministic algorithms and so many threads; leave all as it was after."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is not repeatable without
    deterministic = torch.are_deterministic_algorithms_enabled()
    threads_before = torch.get_num_threads()
    states = random.getstate(), np.random.get_state()
    try:
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(threads)
        with torch.random.fork_rng():
            yield
    finally:
        torch.use_deterministic_algorithms(deterministic)
        torch.set_num_threads(threads_before)
        random.setstate(states[0])
        np.random.set_state(states[1])


def seed_everything(seed: int, epoch: int, rank: int = 0) -> None:
    """Seed Python, NumPy and torch for an epoch; each rank draws its own dropout.

    A resumed run needs no random state of the killed one: the epoch's number is enough.
    """
    value = derived_seed(seed, "epoch", epoch, rank)
    random.seed(value)
    np.random.seed(value % 2**32)
    torch.manual_seed(value)


def permutation(rows: int, seed: int, epoch: int) -> Tensor:
    """Return the order in which an epoch sees the rows: int64 [rows], the same for every rank."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "order", epoch))
    return torch.randperm(rows, generator=generator)


def derived_seed(*parts: object) -> int:
    """Return a seed of 63 bits that is a function of the parts."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1
