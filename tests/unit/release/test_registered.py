"""The register step ends with a pull request, which its summary tells of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from release_worlds import VERDICT, World, evaluation

from millrace.errors import StoreError
from millrace.ingest.snapshot import SnapshotManifest
from millrace.registry.registration import Proposal, Registration
from millrace.release.registered import propose_registered

SNAPSHOT = "5" * 64


def propose(world: World, version: int) -> Registration:
    registration, _ = world.publish(version)
    return again(world, registration)


def again(world: World, registration: Registration) -> Registration:
    evaluation(champion=False).write(world.root / "evaluation")
    VERDICT.write(world.root / "verdict")
    return propose_registered(
        world.workload,
        registration,
        world.store,
        world.settings,
        evaluation=world.root / "evaluation",
        verdict=world.root / "verdict",
        snapshot=SNAPSHOT,
        run="run-1",
    )


def keep_snapshot(world: World, window: tuple[datetime, datetime] | None) -> None:
    manifest = SnapshotManifest(
        workload="pumps",
        digest=SNAPSHOT,
        rows=20,
        columns={"pump": "string"},
        source="data/pumps.csv",
        fingerprint="x",
        window=window,
    )
    key = f"snapshots/pumps/{SNAPSHOT}/manifest.json"
    world.store.write_bytes(key, manifest.model_dump_json().encode())


def test_a_registration_tells_its_pull_request(world: World):
    keep_snapshot(world, None)
    done = propose(world, 1)
    assert done.note == "pumps version 1; proposed as pull request #1"
    assert "all records, as of 2026-07-27 03:00:12" in world.pull_request(1).body
    unchanged = again(world, done.model_copy(update={"outcome": "unchanged"}))
    assert unchanged.note == (
        "pumps version 1, which was there already; proposed as pull request #1"
    )


def test_the_window_of_the_data_stands_in_the_pull_request(world: World):
    days = (datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
    keep_snapshot(world, days)
    propose(world, 1)
    assert "2026-06-01 00:00 to 2026-07-01 00:00, as of" in world.pull_request(1).body


def test_what_serves_already_has_no_pull_request_to_tell(world: World):
    keep_snapshot(world, None)
    done = propose(world, 1)
    world.forge.merge(1)
    served = again(world, done)
    assert served.proposal is None
    assert served.note == "pumps version 1"


def test_a_bundle_that_is_lost_is_told_before_it_is_proposed(world: World):
    keep_snapshot(world, None)
    registration, _ = world.publish(1)
    folder = Path(world.store.location(f"bundles/sha256/{registration.digest}"))
    (folder / "card.json").unlink()
    with pytest.raises(StoreError, match="missing"):
        again(world, registration)
    assert world.forge.pull_requests("pumps") == []


@pytest.mark.parametrize(
    ("state", "draft", "waits_for", "told"),
    [
        ("open", False, "", "proposed as pull request #4"),
        ("open", True, "", "proposed as draft pull request #4"),
        ("open", True, "x", "proposed as draft pull request #4, waits for x"),
        (
            "merged",
            False,
            "",
            "proposed before as pull request #4, which was merged; "
            "once more: `millrace pr again 4`",
        ),
    ],
)
def test_a_proposal_is_told_in_a_few_words(state: str, draft: bool, waits_for: str, told: str):
    proposal = {"number": 4, "title": "t", "state": state, "draft": draft, "waits_for": waits_for}
    assert str(Proposal.model_validate(proposal)) == told
