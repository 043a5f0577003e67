"""What a bundle was made from."""

from __future__ import annotations

from millrace.dataset.manifest import REQUEST, DatasetManifest
from millrace.digests import digest_of_json
from millrace.ingest.snapshot import Difference
from millrace.registry.card import Lineage
from millrace.workload import Workload


def lineage_of(
    workload: Workload,
    dataset: DatasetManifest,
    *,
    snapshot: str,
    as_of: str,
    code_revision: str,
    champion: str | None,
    signal: str,
    difference: Difference | None = None,
) -> Lineage:
    """Return the lineage of what is made from a training set."""
    return Lineage(
        snapshot=snapshot,
        as_of=as_of,
        dataset=dataset.digest,
        feature_views=list(dict.fromkeys(f.view for f in dataset.features if f.view != REQUEST)),
        contract=digest_of_json(workload.spec.contract.model_dump(mode="json")),
        code_revision=code_revision,
        champion=champion,
        signal=signal,
        difference=difference,
    )
