"""A workload with a clock on a disk of its own, whose loop can be replayed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from millrace.backtest import Schedule, Turn, replay
from millrace.workload import Workload, load_workload
from tests.workloads.rentals_data import rentals, write_records, write_rentals

CODE = "c0de"
PERIOD = "2024-03-01..2024-04-10"
"""Begins before there are records, and the world changes within."""


@dataclass
class World:
    """Rentals, and where their backtest is kept."""

    root: Path
    steps: list[str] = field(default_factory=list)
    """Of the last replay, in their order."""

    def __post_init__(self) -> None:
        if not self.root.joinpath("workload").exists():
            write_rentals(self.root / "workload")

    @property
    def workload(self) -> Workload:
        return load_workload(self.root / "workload")

    @property
    def home(self) -> Path:
        return self.root / "home"

    def copy(self, root: Path) -> World:
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return World(root)

    def replay(self, period: str, every: str = "5d") -> list[Turn]:
        self.steps.clear()
        schedule = Schedule.read(period, every)
        told = self.steps.append
        turns = replay(self.workload, schedule, self.home, code_revision=CODE, told=told)
        return list(turns)

    def turn_folder(self, turn: Turn) -> Path:
        return self.home / "turns" / f"{pd.Timestamp(turn.as_of):%Y%m%dT%H%M%SZ}"

    def edit(self, change: Callable[[str], str]) -> None:
        """Change the declaration; it must become another."""
        file = self.root / "workload" / "workload.yaml"
        before = file.read_text()
        after = change(before)
        assert before != after
        file.write_text(after)

    def change_records(self, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        write_records(self.root / "workload", change(rentals()))
