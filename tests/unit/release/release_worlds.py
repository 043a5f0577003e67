"""A workload with bundles in a store, a deploy repository and its pull requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from millrace.dataset.manifest import Feature, SplitRule
from millrace.deploy import Forge, PullRequest, Repository, open_forge, open_repository
from millrace.digests import digest_of_bytes, digest_of_file
from millrace.evaluation.result import Comparison, Curve, Estimate, Evaluation, ModelResult
from millrace.export.manifest import FeatureReference, ScoreBins
from millrace.gates.verdict import GateResult, Verdict
from millrace.registry.card import BundleManifest, Card, Lineage
from millrace.registry.registration import Candidate as Known
from millrace.registry.registration import Proposal, Registration
from millrace.release import Canary, Release, Site, applied, arm_name, read_release
from millrace.release.arms import canary_arm
from millrace.release.changes import Files, propose_candidate
from millrace.release.proposing import Candidate, propose_release
from millrace.release.rollback import Places, Proposed, propose_rollback
from millrace.release.writing import first_release
from millrace.settings import Settings
from millrace.storage import Store, open_store
from millrace.workload import Workload, load_workload
from millrace.workload.rollout import Pause, PauseLength, Rollout, SetWeight
from millrace.workload.serving import Serving

NOW = 1_790_000_000.0
SITE = Site()
ROLLOUT = Rollout(
    steps=[
        SetWeight(setWeight=5),
        Pause(pause=PauseLength(duration=timedelta(minutes=5))),
        SetWeight(setWeight=50),
    ]
)
SPEC = """
apiVersion: millrace.dev/v1alpha1
kind: Workload
metadata: {name: pumps}
spec:
  source: {kind: csv, path: data/pumps.csv}
  contract:
    columns:
      pump: {type: string, unique: true}
      pressure: {type: number}
      broke: {type: category, in: ["yes", "no"]}
  entities: [pump]
  features: [pump_state]
  target: {column: broke, kind: binary, positive: "yes"}
  split: {by: hash}
  training: {module: "model:Net", parameters: {width: 8}}
"""


def canary(version: int = 8, **more: object) -> Canary:
    digest = digest_of_bytes(str(version).encode())
    return Canary(version=version, digest=digest, name=f"churn-v{version}", **more)  # type: ignore[arg-type]


def released(version: int = 7) -> tuple[dict[str, bytes], Release]:
    """Return the files of a first release of churn, and what they say."""
    files = applied({}, first_release("churn", canary(version), Serving(), ROLLOUT, SITE, now=NOW))
    return files, read_release(files, "churn")


def with_canary(
    files: Files, release: Release, arm: Canary | None = None
) -> tuple[dict[str, bytes], Release]:
    """Return the files and the release with a canary at weight 0."""
    arm = arm or canary()
    content = canary_arm(files, release, arm, Serving(), SITE)
    changes = propose_candidate(
        files, release, arm, content, serving=Serving(), rollout=ROLLOUT, now=NOW + 1
    )
    files = applied(files, changes)
    return files, read_release(files, "churn")


def _model(name: str, role: str, value: float) -> ModelResult:
    return ModelResult(
        name=name,
        role=role,  # type: ignore[arg-type]
        metrics={"roc_auc": Estimate(value=value, low=value - 0.1, high=value + 0.1)},
        roc=Curve(x=[0, 1], y=[0, 1]),
        precision_recall=Curve(x=[0, 1], y=[0, 1]),
        calibration=Curve(x=[0, 1], y=[0, 1]),
    )


def evaluation(*, champion: bool) -> Evaluation:
    other = _model("champion", "champion", 0.78) if champion else None
    baseline = _model("logistic_regression", "baseline", 0.7)
    compared = other or baseline
    gap = Estimate(value=0.02, low=-0.005, high=0.045)
    return Evaluation(
        rows=1416,
        positives=363,
        models=[_model("candidate", "candidate", 0.8), *([other] if other else []), baseline],
        comparisons=[Comparison(other=compared.name, metric="roc_auc", difference=gap)],
        slices=[],
        parity=1e-7,
        latency={"p50": 0.00001, "p99": 0.00002},
        model_size=5,
    )


VERDICT = Verdict(
    results=[
        GateResult(gate="roc_auc >= 0.7", outcome="pass", evidence="0.8", value=0.8, limit=0.7),
        GateResult(gate="p99 latency <= 5 ms", outcome="pass", evidence="0.02 ms"),
        GateResult(gate="champion", outcome="not applicable", evidence="no champion"),
    ]
)


class Registry:
    """The part of a model registry that rollbacks ask: which versions there are."""

    def __init__(self) -> None:
        self.known: list[Known] = []

    def candidates(self, name: str) -> list[Known]:
        return [one for one in self.known if one.name == name]


@dataclass
class World:
    """A workload called pumps, and all around it, in a folder."""

    root: Path
    registry: Registry = field(default_factory=Registry)

    def __post_init__(self) -> None:
        self.settings = Settings(home=self.root / "home", timeout=5)
        self.store: Store = open_store(self.settings)
        self.repository: Repository = open_repository(self.settings)
        self.forge: Forge = open_forge(self.settings)
        (self.root / "pumps").mkdir(parents=True)
        self.declare(SPEC)

    @property
    def workload(self) -> Workload:
        return load_workload(self.root / "pumps")

    def declare(self, text: str) -> None:
        (self.root / "pumps" / "workload.yaml").write_text(text)

    def publish(self, version: int, champion: str | None = None) -> tuple[Registration, Card]:
        """Put a bundle into the store, and give it a version."""
        bundle = self.root / f"bundle-{version}"
        bundle.mkdir(exist_ok=True)
        (bundle / "model.onnx").write_bytes(f"model {version}".encode())
        (bundle / "reference.parquet").write_bytes(b"reference")
        (bundle / "lookup.json").write_text('{"project": "pumps", "views": []}')
        card = _card(digest_of_file(bundle / "model.onnx"), champion)
        card.write(bundle / "card.json")
        files = {file.name: digest_of_file(file) for file in sorted(bundle.iterdir())}
        files.pop("manifest.json", None)
        BundleManifest(workload="pumps", files=files).write(bundle / "manifest.json")
        digest = digest_of_file(bundle / "manifest.json")
        self.store.publish(bundle, f"bundles/sha256/{digest}")
        uri = self.store.uri(f"bundles/sha256/{digest}")
        self.registry.known.append(
            Known(
                name="pumps",
                version=version,
                digest=digest,
                model=card.model,
                uri=uri,
                created="2026-07-27T03:00:12+00:00",
                run=f"run-{version}",
                champion=version == 1,
                metrics={},
                snapshot="5" * 64,
                signal="manual",
            )
        )
        told = Registration(
            outcome="registered", name="pumps", version=version, digest=digest, uri=uri
        )
        return told, card

    def propose(self, version: int, champion: str | None = None) -> Proposal | None:
        """Publish a bundle and propose it, as the register step does."""
        registration, card = self.publish(version, champion)
        return self.propose_again(registration, card)

    def propose_again(self, registration: Registration, card: Card) -> Proposal | None:
        candidate = Candidate(
            workload=self.workload,
            registration=registration,
            card=card,
            evaluation=evaluation(champion=card.lineage.champion is not None),
            verdict=VERDICT,
            run=f"run-{registration.version}",
        )
        return propose_release(candidate, self.repository, self.forge, self.settings, now=NOW)

    def digest(self, version: int) -> str:
        return next(one.digest for one in self.registry.known if one.version == version)

    def release(self) -> Release:
        return read_release(self.files(), "pumps")

    def files(self, commit: str = "") -> dict[str, bytes]:
        return self.repository.files(commit or self.repository.head(), "pumps")

    def commit(self, changes: object, message: str = "change") -> str:
        head = self.repository.head()
        return self.repository.commit(head, changes, message)  # type: ignore[arg-type]

    def pull_request(self, number: int) -> PullRequest:
        return self.forge.get(number)

    def rollback(self, to: str = "", reason: str = "", workload: str = "pumps") -> Proposed:
        places = Places(
            self.repository,
            self.forge,
            self.registry,  # type: ignore[arg-type]
            self.store,
            SITE,
        )
        return propose_rollback(workload, places, to=to, reason=reason, now=NOW + 100)

    def serve(self, version: int) -> None:
        """Release a version for the first time."""
        proposal = self.propose(version)
        assert proposal is not None
        self.forge.merge(proposal.number)
        assert self.release().stable.name == arm_name("pumps", version)


def _card(model: str, champion: str | None) -> Card:
    bins = ScoreBins(edges=[0.5], counts=[18, 2])
    return Card(
        workload="pumps",
        model=model,
        lineage=Lineage(
            snapshot="5" * 64,
            as_of="2026-07-27T03:00:12+00:00",
            dataset="d" * 64,
            feature_views=["pump_state"],
            contract="c" * 64,
            code_revision="0" * 64,
            champion=champion,
            signal="schedule",
        ),
        split=SplitRule(by="hash", test=0.2, validation=0.1),
        join_keys=["pump"],
        inputs=[Feature(name="pressure", view="pump_state", kind="number")],
        positive="yes",
        training={},
        metrics={"roc_auc": Estimate(value=0.8571, low=0.83, high=0.88)},
        gates=VERDICT.results,
        bins=bins,
        comparison_bins=bins if champion else None,
        score_distance=0.031 if champion else None,
        reference=[FeatureReference(name="pressure", measure="ks", usual=0.1, high=0.2)],
    )
