"""A run's records in the order of its steps: its own, and those of the computations it reused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from millrace.ingest.snapshot import Snapshot
from millrace.runs.records import Record, computation_records, run_records
from millrace.storage import Store

_FEATURES = ("ingest", "validate", "champion", "materialize")
STEPS = {
    "retraining": (
        *_FEATURES,
        *("assemble", "train", "export", "evaluate", "gate", "register"),
    ),
    "materialization": _FEATURES,
}
"""Of each pipeline, in the order in which people think of them, which is the one they run in."""

_ALWAYS_RUN = ("ingest", "champion", "materialize", "register")


@dataclass
class Story:
    """What is known of a run.

    Attributes:
        started: when it began, ISO 8601.
        records: the record of each step that was reached.
        code_revision: digest of the code; empty if ingest did not get so far.
        champion: digest of the bundle it compares with; empty if there is none.
    """

    started: str
    records: dict[str, Record] = field(default_factory=dict)
    code_revision: str = ""
    champion: str = ""


def read_story(store: Store, run: str, steps: Sequence[str], *, succeeded: bool) -> Story:
    """Return the story of a run: which record tells of which step.

    A computation is found by what goes into it, which the steps before it recorded. A step that
    KFP reused has only the record of its last success; one that this run tried has a newer one.

    Args:
        store: where the records lie.
        run: name of the run.
        steps: the steps of its pipeline; what others did is not its story.
        succeeded: whether every step is done; if not, the story ends with the first that is not.
    """
    own = run_records(store, run)
    first = own.read("ingest")
    story = Story(started=first.started if first else datetime.now(UTC).isoformat())
    for name in steps:
        if name in _ALWAYS_RUN:
            record = own.read(name)
        else:
            inputs = _inputs(name, story)
            record = computation_records(store, *inputs).read(name, story.started)
        if record is None:
            if succeeded:
                continue
            break
        story.records[name] = record
        _learn(story, record)
        if record.outcome != "done" and not succeeded:
            break
    return story


def _learn(story: Story, record: Record) -> None:
    if record.outcome == "done" and record.step == "ingest":
        story.code_revision = record.facts["code_revision"]
    if record.outcome == "done" and record.step == "champion":
        story.champion = str(record.document.get("digest", ""))


def _inputs(step: str, story: Story) -> tuple[str, ...]:
    """Return what a reusable step's result depends on, as its component names it."""
    taken = Snapshot.model_validate(story.records["ingest"].document)
    origin = (taken.manifest.digest, taken.as_of.isoformat(), story.code_revision)
    if step == "validate":
        return (*origin, taken.previous or "", str(taken.usual_rows or 0))
    if step == "assemble":
        return (*origin, _digest(story, "materialize"))
    of_dataset = (*origin, _digest(story, "assemble"))
    return (*of_dataset, story.champion) if step in ("evaluate", "gate") else of_dataset


def _digest(story: Story, step: str) -> str:
    record = story.records.get(step)
    return str(record.document.get("digest", "")) if record else ""
