"""Small workloads and training sets for the tests of training and export."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd

from millrace.dataset.manifest import LABEL, PARTS, DatasetManifest, Feature, SplitRule
from millrace.digests import digest_of_bytes
from millrace.features.lookup import LookupPlan
from millrace.training.columns import Columns, columns_of
from millrace.workload import Workload, load_workload
from millrace.workload.target import Kind

NET = """
import torch
from torch import Tensor, nn

from millrace.training import Inputs


class Net(nn.Module):
    def __init__(self, inputs: Inputs, *, width: int = 4, dropout: float = 0.2) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(c, 2) for c in inputs.cardinalities)
        self.hidden = nn.Linear(inputs.numbers + 2 * len(inputs.cardinalities), width)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(width, 1)

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        embedded = [e(categories[:, i]) for i, e in enumerate(self.embeddings)]
        hidden = torch.relu(self.hidden(torch.cat([numbers, *embedded], dim=1)))
        return self.out(self.dropout(hidden)).squeeze(1)
"""

NUMBER_NET = NET.replace("nn.Linear(width, 1)", "nn.Linear(width, inputs.outputs)").replace(
    ".squeeze(1)", ""
)
"""A module that answers a mean and quantiles of it."""

WORKLOAD = """
apiVersion: millrace.dev/v1alpha1
kind: Workload
metadata: {name: sample}
spec:
  source: {kind: csv, path: sample.csv}
  contract: {columns: {id: {type: string}, left: {type: string}, paid: {type: number}}}
  entities: [customer]
  features: [profile]
  target: {target}
  split: {by: hash}
  training:
    module: model:Net
"""

CLASSES = '{column: left, kind: binary, positive: "yes"}'
NUMBER = "{column: paid, kind: regression, quantiles: [0.1, 0.9]}"

NUMBERS = ("age", "total spent")
CATEGORIES = ("plan.name", "größe")


def write_workload(
    folder: Path, model: str = NET, *, target: str = CLASSES, **training: object
) -> Workload:
    """Write a workload with a module and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.py").write_text(dedent(model), encoding="utf-8")
    defaults: dict[str, object] = {"epochs": 3, "batch_size": 32, "threads": 1}
    lines = [f"    {key}: {value}" for key, value in (defaults | training).items()]
    text = WORKLOAD.replace("{target}", target) + "\n".join(lines) + "\n"
    (folder / "workload.yaml").write_text(text, encoding="utf-8")
    return load_workload(folder)


def sample_frame(rows: int, seed: int = 0, *, positive: float = 0.4) -> pd.DataFrame:
    """Return rows with two numbers, one of them often missing, two categories and a label."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, rows)
    spent = np.where(rng.random(rows) < 0.2, np.nan, rng.lognormal(5, 1, rows))
    plan = rng.choice(["basic", "plus", ""], rows, p=[0.5, 0.4, 0.1])
    size = rng.choice(["klein", "groß"], rows)
    signal = (age - 40) / 12 + (plan == "plus") + rng.normal(0, 1, rows)
    left = signal > np.quantile(signal, 1 - positive) if rows else signal > 0
    return pd.DataFrame(
        {
            "customer": [f"c{i:05d}" for i in range(rows)],
            "age": age.astype(np.float32),
            "total spent": spent.astype(np.float32),
            "plan.name": plan,
            "größe": size,
            LABEL: left.astype(np.float32),
        }
    )


def number_frame(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return such rows whose label is a number far from 0: the older, the larger and the wider."""
    frame = sample_frame(rows, seed)
    rng = np.random.default_rng(seed + 100)
    age = (frame["age"].to_numpy() - 40) / 12
    noise = rng.normal(0, 1, rows) * np.exp(0.4 * age)
    label = 500 + 80 * age + 40 * (frame["plan.name"] == "plus").to_numpy() + 20 * noise
    return frame.assign(**{LABEL: label.astype(np.float32)})


def write_dataset(
    folder: Path,
    *,
    rows: tuple[int, int, int] = (200, 60, 60),
    numbers: tuple[str, ...] = NUMBERS,
    categories: tuple[str, ...] = CATEGORIES,
    frames: list[pd.DataFrame] | None = None,
    positive: float = 0.4,
    kind: Kind = "binary",
) -> Path:
    """Write a training set of generated rows, or of the given frames, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = kind == "binary"
    frames = frames or [
        sample_frame(n, seed, positive=positive) if binary else number_frame(n, seed)
        for seed, n in enumerate(rows)
    ]
    for part, frame in zip(PARTS, frames, strict=True):
        kept = ["customer", *numbers, *categories, LABEL]
        frame[kept].to_parquet(folder / f"{part}.parquet", index=False)
    content = b"".join((folder / f"{part}.parquet").read_bytes() for part in PARTS)
    DatasetManifest(
        digest=digest_of_bytes(content),
        join_keys=["customer"],
        features=features_of(numbers, categories),
        kind=kind,
        positive="yes" if binary else None,
        slices=[],
        split=SplitRule(by="hash", test=0.2, validation=0.1),
        rows={part: len(frame) for part, frame in zip(PARTS, frames, strict=True)},
        positives={p: int(frame[LABEL].sum()) for p, frame in zip(PARTS, frames, strict=True)}
        if binary
        else None,
    ).write(folder / "manifest.json")
    LookupPlan(project="sample", views=[]).write(folder / "lookup.json")
    return folder


def features_of(numbers: tuple[str, ...], categories: tuple[str, ...]) -> list[Feature]:
    """Return features of one view."""
    return [
        *(Feature(name=name, view="profile", kind="number") for name in numbers),
        *(Feature(name=name, view="profile", kind="category") for name in categories),
    ]


def as_columns(frame: pd.DataFrame, features: list[Feature]) -> Columns:
    """Return a frame as the columns that training reads."""
    import pyarrow as pa

    return columns_of(pa.Table.from_pandas(frame, preserve_index=False), features)
