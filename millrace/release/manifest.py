"""rollout.yaml: the intent of a release. No controller of Kubernetes serves its kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints

from millrace.errors import ReleaseError
from millrace.located import Place, YamlDocument
from millrace.release.documents import ArmRef, Canary, Phase, Position, Release
from millrace.release.dumping import HEADERS, to_yaml, with_header
from millrace.release.parsing import documents_of, shaped
from millrace.workload.base import Model
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving

API_VERSION = "millrace.dev/v1alpha1"


@dataclass(frozen=True)
class Intent:
    """What rollout.yaml says: all of a Release but the weights, which stand in the routes."""

    stable: ArmRef
    canary: Canary | None
    serving: Serving
    rollout: Rollout
    position: Position


def moment_text(time: float) -> str:
    """Return a Unix time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def rounded(time: float) -> float:
    """Return a Unix time as it comes back from a file: to the millisecond."""
    return datetime.fromisoformat(moment_text(time)).timestamp()


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        moment = datetime.fromisoformat(value)
    else:
        raise ValueError("a time is ISO 8601, such as '2026-07-27T03:00:12+00:00'")  # noqa: TRY004 - pydantic
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


Moment = Annotated[float, BeforeValidator(_seconds), PlainSerializer(moment_text, when_used="json")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Version = Annotated[int, Field(ge=1)]


class _ArmEntry(Model):
    """One bundle as an arm."""

    version: Version
    digest: Digest
    name: str


class _CanaryEntry(_ArmEntry):
    """The arm on trial."""

    purpose: Literal["release", "restore"] = "release"
    attempt: int = Field(0, ge=0)
    score_distance: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None


class _PositionEntry(Model):
    """Where the rollout is."""

    phase: Phase = "stable"
    step: int = Field(-1, ge=-1)
    since: Moment = 0.0
    started: Moment = 0.0
    reason: str = ""


class _Spec(Model):
    """All of a release but the weights, which stand in the routes."""

    stable: _ArmEntry
    canary: _CanaryEntry | None = None
    position: _PositionEntry = _PositionEntry()
    serving: Serving = Serving()
    rollout: Rollout = Rollout()


class _Metadata(Model):
    """Whose release it is."""

    name: str


class _Manifest(Model):
    """A rollout.yaml."""

    apiVersion: Literal["millrace.dev/v1alpha1"]  # noqa: N815
    kind: Literal["Release"]
    metadata: _Metadata
    spec: _Spec


def parse_rollout(content: bytes, file: str, workload: str) -> Intent:
    """Return what a rollout.yaml says.

    Args:
        content: the file.
        file: its path, for messages.
        workload: name of the workload whose folder it lies in.

    Raises:
        ReleaseError: it is none, or contradicts itself.
    """
    documents = documents_of(content, file)
    if len(documents) != 1:
        raise ReleaseError("is not one document", where=file, found=f"{len(documents)} of them")
    document = documents[0]
    found = shaped(document, _Manifest)
    if found.metadata.name != workload:
        raise ReleaseError(
            "the release is of another workload than its folder",
            where=document.where(("metadata", "name")),
            found=found.metadata.name,
            expected=workload,
        )
    spec = found.spec
    intent = Intent(
        stable=ArmRef(**spec.stable.model_dump()),
        canary=Canary(**spec.canary.model_dump()) if spec.canary else None,
        serving=spec.serving,
        rollout=spec.rollout,
        position=Position(**spec.position.model_dump()),
    )
    _agrees_with_itself(intent, document)
    return intent


def rollout_file(release: Release) -> bytes:
    """Return the rollout.yaml of a release."""
    spec = _Spec(
        stable=_ArmEntry(**release.stable.model_dump()),
        canary=_CanaryEntry(**release.canary.model_dump()) if release.canary else None,
        position=_PositionEntry.model_construct(**release.position.model_dump()),
        serving=release.serving,
        rollout=release.rollout,
    ).model_dump(mode="json", exclude_none=True)
    if not release.serving.defaults:
        del spec["serving"]["defaults"]
    if release.canary is not None and not release.canary.attempt:
        del spec["canary"]["attempt"]
    spec["position"] = {
        name: value
        for name, value in spec["position"].items()
        if name == "phase" or value != _DEFAULTS[name]
    }
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "Release",
        "metadata": {"name": release.workload},
        "spec": spec,
    }
    return with_header(HEADERS["rollout"], to_yaml(manifest))


_DEFAULTS = _PositionEntry().model_dump(mode="json")


def _agrees_with_itself(intent: Intent, document: YamlDocument) -> None:
    spec: Place = ("spec",)
    position, canary = intent.position, intent.canary
    if (position.phase == "stable") != (canary is None):
        raise ReleaseError(
            f"the phase {position.phase!r} does not fit "
            + ("a release without a canary" if canary is None else "a release with a canary"),
            where=document.where((*spec, "position", "phase")),
            expected="stable" if canary is None else "waiting, progressing, promoted, rolled back",
            remedy="mend the phase, or the canary and its arm's file",
        )
    if canary is not None and canary.name == intent.stable.name:
        raise ReleaseError(
            "stable and canary are the same arm",
            where=document.where((*spec, "canary", "name")),
            found=canary.name,
            remedy="remove the canary and set the phase to stable",
        )
    last = len(intent.rollout.steps) - 1
    if position.step > last:
        raise ReleaseError(
            "there is no such step",
            where=document.where((*spec, "position", "step")),
            found=str(position.step),
            expected=f"-1 to {last}: the first step is 0",
            remedy="mend the step, or give the rollout more of them",
        )
