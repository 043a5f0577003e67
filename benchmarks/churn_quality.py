"""Is the churn model worth its effort? The platform against scikit-learn on 5 x 5 folds.

Each fold is a training set as the pipeline writes it. Ours is trained by `millrace.training` on
part of its rows (an eighth is for early stopping), exported, and scored as ONNX in onnxruntime:
25 trainings, 25 exports. The peers, fitted on all of its rows, are the pipeline's own baselines.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold, train_test_split
from threadpoolctl import threadpool_limits

from millrace.dataset.manifest import LABEL, PARTS, DatasetManifest, Feature, SplitRule
from millrace.digests import digest_of_bytes
from millrace.evaluation.baselines import score_baselines
from millrace.evaluation.held_out import read_rows
from millrace.evaluation.scoring import score
from millrace.export import export
from millrace.features.lookup import LookupPlan
from millrace.training import train
from millrace.workload import Workload, load_workload
from millrace.workload.code import import_user_module

WORKLOAD = Path(__file__).parents[1] / "workloads" / "churn"
FOLDS, REPEATS = 5, 5
FLOOR = 0.84


def run(folds: int = FOLDS * REPEATS) -> list[dict[str, Any]]:
    """Return one row a goal: the mean ROC AUC against the floor, and against the better peer.

    Args:
        folds: how many of the 25 folds to do; fewer for a quick look.
    """
    workload = load_workload(WORKLOAD)
    aucs: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, dataset in enumerate(_datasets(workload, Path(folder)), start=1):
            aucs.append(_fold(workload, dataset))
            told = ", ".join(f"{name} {auc:.4f}" for name, auc in aucs[-1].items())
            print(f"churn quality: fold {number} of {folds}: ROC AUC {told}", flush=True)
            if number == folds:
                break
    means = pd.DataFrame(aucs).mean()
    ours = float(means.pop("ours"))
    peer, best = str(means.idxmax()), float(means.max())
    return [
        _row("churn ROC AUC, floor", ours, FLOOR, f">= {FLOOR}"),
        _row(f"churn ROC AUC, {peer.replace('_', ' ')}", ours, best, ">= peer"),
    ]


def _row(name: str, ours: float, peer: float, goal: str) -> dict[str, Any]:
    ratio = ours / peer
    return {
        "name": name,
        "ours": round(ours, 5),
        "peer": round(peer, 5),
        "ratio": round(ratio, 5),
        "goal": goal,
        "met": ratio >= 1,
    }


def _fold(workload: Workload, dataset: Path) -> dict[str, float]:
    """Return the ROC AUC of ours and of each baseline on the test part of one fold."""
    model, bundle = dataset / "model", dataset / "bundle"
    with contextlib.redirect_stdout(io.StringIO()):  # a line for each epoch is too much here
        train(workload, dataset, model, checkpoint=dataset / "checkpoint")
        exported = export(workload, dataset, model, bundle)
    test, seen = read_rows(dataset, "test"), read_rows(dataset, "train", "validation")
    with threadpool_limits(1):  # two threads on a busy machine wait for each other
        scores = score_baselines(seen, test)
    scores["ours"] = score(bundle / "model.onnx", test.frame, exported.inputs)
    return {name: float(roc_auc_score(test.labels, values)) for name, values in scores.items()}


def _datasets(workload: Workload, folder: Path) -> Iterator[Path]:
    """Yield the folder of each fold's training set."""
    rows, features = _rows(workload)
    labels = rows[LABEL].to_numpy()
    splitter = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    for number, (seen, test) in enumerate(splitter.split(rows, labels)):
        known, validation = train_test_split(
            seen, test_size=1 / 8, random_state=number, stratify=labels[seen]
        )
        parts = {"train": known, "validation": validation, "test": test}
        frames = {part: rows.iloc[np.sort(places)] for part, places in parts.items()}
        yield _write(folder / str(number), workload, frames, features)


def _rows(workload: Workload) -> tuple[pd.DataFrame, list[Feature]]:
    """Return customers with features and label, as the workload's own functions compute them."""
    records = pd.read_csv(WORKLOAD / "data" / "telco.csv")
    records["TotalCharges"] = pd.to_numeric(records["TotalCharges"], errors="coerce")
    functions = import_user_module(workload, "features")
    rows, features = records[["customerID"]], []
    target = workload.spec.target
    for view in workload.spec.features:
        frame = getattr(functions, view)(records.drop(columns=target.column))
        for name in frame.columns.drop("customerID"):
            number = pd.api.types.is_numeric_dtype(frame[name])
            frame = frame.astype({name: np.float32}) if number else frame.fillna({name: ""})
            features.append(Feature(name=name, view=view, kind="number" if number else "category"))
        rows = rows.merge(frame, on="customerID", validate="one_to_one")
    labels = (records[target.column] == target.positive).astype(np.float32)
    return rows.assign(**{LABEL: labels.to_numpy()}), features


def _write(
    folder: Path, workload: Workload, frames: dict[str, pd.DataFrame], features: list[Feature]
) -> Path:
    folder.mkdir()
    for part, frame in frames.items():
        frame.to_parquet(folder / f"{part}.parquet", index=False)
    content = b"".join((folder / f"{part}.parquet").read_bytes() for part in PARTS)
    DatasetManifest(
        digest=digest_of_bytes(content),
        join_keys=["customerID"],
        features=features,
        positive=workload.spec.target.positive,
        slices=[],
        split=SplitRule(by="hash", test=1 / FOLDS, validation=1 / 10),
        rows={part: len(frame) for part, frame in frames.items()},
        positives={part: int(frame[LABEL].sum()) for part, frame in frames.items()},
    ).write(folder / "manifest.json")
    LookupPlan(project=workload.name, views=[]).write(folder / "lookup.json")
    return folder


if __name__ == "__main__":
    for line in run():
        print(line)
