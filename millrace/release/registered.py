"""What the register step does once a candidate has its version: propose it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from millrace.deploy import open_forge, open_repository
from millrace.evaluation.result import Evaluation
from millrace.gates.verdict import Verdict
from millrace.ingest.snapshot import SnapshotManifest
from millrace.registry.bundle import read_card
from millrace.registry.published import open_bundle
from millrace.registry.registration import Registration
from millrace.release.proposing import Candidate, propose_release
from millrace.settings import Settings
from millrace.storage import Store
from millrace.workload import Workload


def propose_registered(
    workload: Workload,
    registration: Registration,
    store: Store,
    settings: Settings,
    *,
    evaluation: Path,
    verdict: Path,
    snapshot: str,
    run: str,
) -> Registration:
    """Propose a registered candidate, and return its registration with the pull request.

    Args:
        workload: the workload.
        registration: what the registry says of the candidate.
        store: where bundles and snapshots lie.
        settings: where the deploy repository is.
        evaluation: file of the Evaluation.
        verdict: file of the Verdict.
        snapshot: digest of the snapshot.
        run: name of the run.

    Raises:
        DeployError: the deploy repository does not answer; running again proposes it.
        ReleaseError: the release folder says something that cannot be.
        StoreError: the store does not answer.
    """
    with tempfile.TemporaryDirectory() as scratch:
        card = read_card(open_bundle(store, registration.digest, Path(scratch)))
    candidate = Candidate(
        workload=workload,
        registration=registration,
        card=card,
        evaluation=Evaluation.read(evaluation),
        verdict=Verdict.read(verdict),
        window=_window(store, workload.name, snapshot),
        run=run,
    )
    proposal = propose_release(
        candidate, open_repository(settings), open_forge(settings), settings, now=time.time()
    )
    return registration.model_copy(update={"proposal": proposal})


def _window(store: Store, workload: str, snapshot: str) -> str:
    """Return the time window of a snapshot for people; '' if it has none."""
    key = f"snapshots/{workload}/{snapshot}/manifest.json"
    manifest = SnapshotManifest.parse(store.read_bytes(key), store.location(key))
    return manifest.period(lambda moment: moment.strftime("%Y-%m-%d %H:%M"))
