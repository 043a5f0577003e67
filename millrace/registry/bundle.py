"""A bundle: what is released, in one folder that the digest of its manifest names."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from millrace.dataset.manifest import DatasetManifest
from millrace.digests import digest_of_file
from millrace.distance import total_variation
from millrace.errors import ExportError, StoreError
from millrace.evaluation.result import Evaluation
from millrace.export.manifest import ExportManifest, ScoreBins
from millrace.gates.verdict import GateResult, Verdict
from millrace.registry.card import BundleManifest, Card, Lineage
from millrace.workload.load import Workload

MANIFEST = "manifest.json"
CARD = "card.json"
MODEL = "model.onnx"
EXPORTED = (MODEL, "reference.parquet", "lookup.json")
"""Files of a bundle that are copied from the exported model's folder."""


@dataclass(frozen=True)
class Bundle:
    """A complete bundle on this machine."""

    digest: str
    folder: Path
    manifest: BundleManifest
    card: Card


def build_bundle(
    *,
    workload: Workload,
    dataset: DatasetManifest,
    exported: Path,
    evaluation: Evaluation,
    verdict: Verdict,
    lineage: Lineage,
    champion: Card | None,
    out: Path,
) -> Bundle:
    """Write a bundle into a folder; the same inputs give the same digest, wherever and whenever.

    So the card holds no run, no path of this machine and nothing read from a clock: of a gate on
    latency it keeps the outcome and the limit, while the measured time stays in the verdict and
    the evaluation of the run.

    Args:
        workload: the workload, for its name and training section.
        dataset: manifest of the training set.
        exported: folder of the exported model (see ExportManifest).
        evaluation: what evaluation found; its first model is the candidate.
        verdict: every gate with its evidence.
        lineage: what the bundle is made from.
        champion: card of the bundle it was compared with, whose score bins are taken over.
        out: folder of the bundle, made if need be; holds nothing but the bundle afterwards.

    Raises:
        ExportError: the exported folder is incomplete, or holds another model than it says.
        StoreError: the bundle cannot be written.
    """
    export = _checked(exported)
    card = Card(
        workload=workload.name,
        model=export.model,
        lineage=lineage,
        split=dataset.split,
        join_keys=dataset.join_keys,
        inputs=export.inputs,
        kind=export.kind,
        positive=dataset.positive,
        outputs=export.outputs,
        quantiles=export.quantiles,
        training=workload.spec.training.model_dump(mode="json"),
        metrics=evaluation.models[0].metrics,
        gates=[_without_clock(result, evaluation) for result in verdict.results],
        bins=export.bins,
        comparison_bins=_comparison_bins(champion, evaluation),
        score_distance=_score_distance(evaluation),
        reference=export.reference,
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in EXPORTED:
            shutil.copyfile(exported / name, out / name)
        card.write(out / CARD)
        files = {name: digest_of_file(out / name) for name in sorted((*EXPORTED, CARD))}
        manifest = BundleManifest(workload=workload.name, files=files)
        manifest.write(out / MANIFEST)
        return Bundle(digest_of_file(out / MANIFEST), out, manifest, card)
    except OSError as error:
        raise StoreError(
            f"the bundle cannot be written: {error.strerror or error}",
            where=str(error.filename or out),
            remedy="free space or mend access, then run again: nothing was published",
        ) from error


def read_card(folder: Path) -> Card:
    """Return the card of a bundle's folder.

    Raises:
        MillraceError: there is no card, or it is not one.
    """
    return Card.read(folder / CARD)


def _checked(exported: Path) -> ExportManifest:
    for name in ("export.json", *EXPORTED):
        if not (exported / name).is_file():
            raise ExportError(
                f"the exported model has no {name}",
                where=str(exported),
                expected=", ".join(("export.json", *EXPORTED)),
                remedy="run the export step again",
            )
    export = ExportManifest.read(exported / "export.json")
    found = digest_of_file(exported / MODEL)
    if found != export.model:
        raise ExportError(
            f"{MODEL} is not the model that export.json names",
            where=str(exported / MODEL),
            found=f"digest {found}",
            expected=export.model,
            remedy="run the export step again",
        )
    return export


def _without_clock(result: GateResult, evaluation: Evaluation) -> GateResult:
    """Return the gate's result without evidence that another run would measure differently."""
    if result.value is None or result.value not in evaluation.latency.values():
        return result
    return result.model_copy(update={"evidence": "measured in the run", "value": None})


def _comparison_bins(champion: Card | None, evaluation: Evaluation) -> ScoreBins | None:
    """Return the champion's bins with this model's counts, if there is a champion."""
    if champion is None or evaluation.candidate_bins is None:
        return None
    return ScoreBins(edges=champion.counting_bins.edges, counts=evaluation.candidate_bins)


def _score_distance(evaluation: Evaluation) -> float | None:
    """Return how far candidate's and champion's scores of the same rows are apart."""
    mine, theirs = evaluation.candidate_bins, evaluation.champion_bins
    if mine is None or theirs is None or not sum(mine) or not sum(theirs):
        return None
    return total_variation(dict(enumerate(mine)), dict(enumerate(theirs)))
