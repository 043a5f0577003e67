"""What a pull request of the controller says and changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millrace.deploy.base import Changes
from millrace.release import changes as release_changes
from millrace.release.evidence import Text, judged_text
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
class Wish:
    """What the controller asks for.

    Attributes:
        verb: what it is.
        reason: why.
        merges: whether it is merged without a person.
    """

    verb: Asked
    reason: str
    merges: bool = False


def branch(seen: Seen, verb: Asked) -> str:
    """Return the branch on which something is asked for at the present step."""
    release = seen.release
    assert release.canary is not None
    return branch_of(release.workload, release.canary, verb, step=release.position.step)


def changes(seen: Seen, wish: Wish, asked: float) -> Changes:
    """Return what the pull request of a wish changes at the present step.

    Args:
        seen: what stands there.
        wish: what is asked for.
        asked: Unix time at which it was first asked for; Git keeps it, and so how long it waited.

    Raises:
        ReleaseError: it cannot be done to what stands there.
    """
    return _CHANGES[wish.verb](seen.files, seen.release, now=asked, reason=wish.reason)


def text(seen: Seen, wish: Wish) -> Text:
    """Return what the pull request of a wish says."""
    release, history = seen.release, seen.history
    position = release.position.model_copy(
        update={"since": history.since, "started": history.started}
    )
    made = judged_text(
        wish.verb,
        release.model_copy(update={"position": position}),
        seen.judged.judgement,
        now=seen.now,
        arrived=history.arrived,
        merges=wish.merges,
        reason=wish.reason,
    )
    return Text(made.title, f"{made.body.rstrip()}\n{SIGNATURE}\n")
