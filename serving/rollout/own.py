"""Which pull requests are whose: the controller's, those that bring a canary, and people's."""

from __future__ import annotations

import re

from millrace.deploy.base import PullRequest
from millrace.release.notes import has_note

SUPERSEDED = "Superseded: "
"""How a comment begins with which the controller closes a pull request."""
SIGNATURE = "Millrace-By: rollout controller"
"""The last line of the text of every pull request that the controller opens."""
_INTENT = re.compile(r"release|restore-\d+")


def is_intent(pull: PullRequest) -> bool:
    """Return whether a pull request brings a canary."""
    return bool(_INTENT.fullmatch(pull.branch.rpartition("/")[2]))


def is_own(pull: PullRequest) -> bool:
    """Return whether the controller opened a pull request; it leaves people's alone."""
    return not is_intent(pull) and SIGNATURE in pull.body


def is_held(pull: PullRequest) -> bool:
    """Return whether a person holds a pull request: a draft that does not say why, as ours do."""
    return pull.draft and not has_note(pull.body)
