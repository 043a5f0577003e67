"""What a pull request of the controller says and changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millrace.deploy.base import Changes
from millrace.release import changes as release_changes
from millrace.release.evidence import judged_text
from millrace.release.layout import branch_of
from serving.rollout.own import SIGNATURE
from serving.rollout.seen import Seen

Asked = Literal["advance", "promote", "roll back"]
"""What the controller's pull requests ask for."""
_CHANGES = {
    "advance": release_changes.advance,
    "promote": release_changes.promote,
    "roll back": release_changes.roll_back,
}


@dataclass(frozen=True)
class Plan:
    """One pull request."""

    branch: str
    changes: Changes
    title: str
    body: str


def plan(seen: Seen, verb: Asked, reason: str) -> Plan:
    """Return the pull request that asks for one thing at the present step.

    Raises:
        ReleaseError: it cannot be done to what stands there.
    """
    release, history = seen.release, seen.history
    assert release.canary is not None
    made = _CHANGES[verb](seen.files, release, now=seen.now, reason=reason)
    position = release.position.model_copy(
        update={"since": history.since, "started": history.started}
    )
    text = judged_text(
        verb,
        release.model_copy(update={"position": position}),
        seen.judged.judgement,
        now=seen.now,
        reason=reason,
    )
    branch = branch_of(release.workload, release.canary, verb, step=release.position.step)
    return Plan(branch, made, text.title, f"{text.body.rstrip()}\n{SIGNATURE}\n")
