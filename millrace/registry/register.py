"""Register a candidate that passed its gates: first the bundle, then a version that names it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from millrace.dataset.manifest import DatasetManifest
from millrace.evaluation.result import Evaluation
from millrace.gates.verdict import Verdict
from millrace.ingest.history import difference_of
from millrace.registry.base import ModelRegistry, open_registry
from millrace.registry.bundle import Bundle, build_bundle, read_card
from millrace.registry.card import Card
from millrace.registry.commit import commit_of
from millrace.registry.lineage import lineage_of
from millrace.registry.published import open_bundle, publish_bundle
from millrace.registry.registration import Registration
from millrace.settings import Settings
from millrace.storage import Store
from millrace.workload.load import Workload


def register_candidate(
    workload: Workload,
    store: Store,
    settings: Settings,
    *,
    dataset: Path,
    exported: Path,
    evaluation: Path,
    verdict: Path,
    origin: Mapping[str, str],
) -> Registration:
    """Publish the bundle of a candidate and give it a version, unless it has one already.

    The bundle lies in the store before a version names it. A kill in between leaves a bundle
    that no version names, which the next attempt takes up.

    Args:
        workload: the workload.
        store: where bundles lie.
        settings: where the registry is.
        dataset: folder of the training set.
        exported: folder of the exported model.
        evaluation: file of the Evaluation.
        verdict: file of the Verdict.
        origin: `snapshot`, `as_of`, `code_revision`, `champion` (empty for none), `signal`, `run`.

    Raises:
        GateFailedError: the verdict did not pass.
        ExportError: the exported folder is incomplete.
        StoreError: the store does not answer, or a bundle in it is damaged.
        RegistryError: the registry does not answer.
    """
    found, judged = Evaluation.read(evaluation), Verdict.read(verdict)
    judged.require_passed(workload.name)
    data = DatasetManifest.read(dataset / "manifest.json")
    lineage = lineage_of(
        workload,
        data,
        snapshot=origin["snapshot"],
        as_of=origin["as_of"],
        code_revision=origin["code_revision"],
        champion=origin["champion"] or None,
        signal=origin["signal"],
        difference=difference_of(
            workload, store, origin["snapshot"], datetime.fromisoformat(origin["as_of"])
        ),
    )
    registry = open_registry(settings)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        bundle = build_bundle(
            workload=workload,
            dataset=data,
            exported=exported,
            evaluation=found,
            verdict=judged,
            lineage=lineage,
            champion=_card_of(store, lineage.champion, folder),
            out=folder / "bundle",
        )
        return registry.register(
            bundle,
            _publish_unless_known(bundle, registry, store, folder),
            run=origin["run"],
            params=bundle.card.training,
            evaluation=found,
            verdict=judged,
            commit=commit_of(workload) or "",
        )


def _card_of(store: Store, digest: str | None, scratch: Path) -> Card | None:
    return read_card(open_bundle(store, digest, scratch)) if digest else None


def _publish_unless_known(
    bundle: Bundle, registry: ModelRegistry, store: Store, scratch: Path
) -> str:
    """Return where the bundle lies; if an equal model has a version, where that one's lies.

    The same model of the same snapshot may come with another card, such as another signal: then
    its bundle would lie in the store without a version.
    """
    card = bundle.card
    known = registry.find(card.workload, model=card.model, snapshot=card.lineage.snapshot)
    if known is None or known.digest == bundle.digest:
        return publish_bundle(bundle, store)
    open_bundle(store, known.digest, scratch)
    return known.uri
