"""Train the workload's module on a training set."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from millrace.dataset.manifest import DatasetManifest, Part
from millrace.errors import TrainingError
from millrace.files import write_whole
from millrace.progress import say
from millrace.training.checkpoint import Checkpoint, Progress, training_tag
from millrace.training.columns import Columns, read_columns
from millrace.training.faults import users_fault
from millrace.training.loop import Loop, Rows, best_epoch
from millrace.training.loss import logistic, of_numbers
from millrace.training.module import build_module, check_module
from millrace.training.preprocessing import Preprocessing, fit_preprocessing
from millrace.training.ranks import Ranks, joined_ranks
from millrace.training.repeatable import repeatable, seed_everything
from millrace.training.report import TrainingReport
from millrace.training.tensors import Standardise, raw_tensors
from millrace.training.weighting import Weighting, weighting
from millrace.workload import Workload


def train(
    workload: Workload, dataset: Path, out: Path, *, checkpoint: Path, code_revision: str = ""
) -> TrainingReport:
    """Fit the workload's module, or take up where a killed attempt at the same has stopped.

    The same data, specification, code and number of threads give the same state.pt, bit by bit,
    with or without a kill in between. Under torchrun all its processes train together.

    Args:
        workload: its module and training section.
        dataset: the folder of a training set.
        out: folder to which state.pt, preprocessing.json and training.json are written.
        checkpoint: folder of the checkpoint; it outlives a kill and is removed at the end.
        code_revision: digest of the platform's and the workload's code, if the caller knows it.

    Raises:
        TrainingError: the module cannot be built or trained, or a part of the data is empty.
        WorkloadError: there is no such module.
        StoreError: the disk does not take the result.
    """
    manifest = DatasetManifest.read(dataset / "manifest.json")
    _require_rows(manifest, workload, dataset)
    with repeatable(workload.spec.training.threads), joined_ranks() as ranks:
        tag = training_tag(workload, manifest.digest, ranks.size, code_revision)
        kept = Checkpoint(checkpoint, tag)
        resumed = ranks.from_leader(kept.load() if ranks.leads else None)
        if resumed and ranks.leads:
            say("training_resumed", epoch=len(resumed.curve))
        parts = {part: read_columns(dataset, part, manifest.features) for part in _FITTED}
        quantiles = workload.spec.target.levels if manifest.kind == "regression" else None
        preprocessing = fit_preprocessing(parts["train"], manifest.features, quantiles)
        weights = _weights(workload, manifest)
        loop = _loop(workload, preprocessing, parts, weights, ranks, kept)
        with users_fault(workload, "training it"):
            done = loop.run(resumed)
        report = TrainingReport(
            module=workload.spec.training.module,
            parameters=dict(workload.spec.training.parameters),
            weights=sum(p.numel() for p in loop.module.parameters() if p.requires_grad),
            curve=done.curve,
            best_epoch=best_epoch(done.curve),
            resumed_from=len(resumed.curve) if resumed else 0,
            device=ranks.device.type,
            world_size=ranks.size,
            logit_offset=weights.logit_offset,
        )
        if ranks.leads:
            _write(out, done, preprocessing, report)
            kept.remove()
    return report


_FITTED: tuple[Part, Part] = ("train", "validation")


def _require_rows(manifest: DatasetManifest, workload: Workload, dataset: Path) -> None:
    for part in _FITTED:
        if manifest.rows[part] == 0:
            raise TrainingError(
                f"the {part} part is empty",
                where=str(dataset),
                found=", ".join(f"{rows} rows of {name}" for name, rows in manifest.rows.items()),
                remedy=f"change split in {workload.file}, or bring more records",
            )
    rows = manifest.rows["train"]
    positives = None if manifest.positives is None else manifest.positives["train"]
    if positives in (0, rows):
        raise TrainingError(
            f"the training part holds one class of {workload.spec.target.column!r} only",
            where=str(dataset),
            found=f"{positives} of {rows} rows positive",
            expected=f"rows with {manifest.positive!r} and rows without",
            remedy=f"check target in {workload.file}, or bring more records",
        )


def _weights(workload: Workload, manifest: DatasetManifest) -> Weighting:
    if manifest.positives is None:
        return Weighting()
    kind = workload.spec.training.class_weight
    return weighting(kind, manifest.rows["train"], manifest.positives["train"])


def _loop(
    workload: Workload,
    preprocessing: Preprocessing,
    parts: dict[Part, Columns],
    weights: Weighting,
    ranks: Ranks,
    kept: Checkpoint,
) -> Loop:
    inputs = preprocessing.inputs()
    seed_everything(workload.spec.training.seed, 0)
    module = build_module(workload, inputs, workload.spec.training.parameters)
    check_module(module, workload, inputs)
    rows = {
        part: _rows(columns, preprocessing, weights, ranks.device)
        for part, columns in parts.items()
    }
    return Loop(
        module=module.to(ranks.device),
        train=rows["train"],
        validation=rows["validation"],
        loss=of_numbers(preprocessing.quantiles) if preprocessing.label else logistic,
        settings=workload.spec.training,
        ranks=ranks,
        checkpoint=kept,
    )


def _rows(
    columns: Columns, preprocessing: Preprocessing, weights: Weighting, device: torch.device
) -> Rows:
    numbers, categories = raw_tensors(columns, preprocessing)
    label = torch.from_numpy(columns.label.copy())
    weight = torch.where(label > 0, weights.positive, weights.negative)
    if preprocessing.label is not None:
        exact = (label.to(torch.float64) - preprocessing.label.mean) / preprocessing.label.std
        label = exact.to(torch.float32)
    return Rows(
        numbers=Standardise(preprocessing)(numbers).to(device),
        categories=categories.to(device),
        label=label.to(device),
        weight=weight.to(device),
    )


def _write(out: Path, done: Progress, preprocessing: Preprocessing, report: TrainingReport) -> None:
    state = io.BytesIO()
    torch.save(done.best, state)
    write_whole(out / "state.pt", state.getvalue())
    preprocessing.write(out / "preprocessing.json")
    report.write(out / "training.json")
