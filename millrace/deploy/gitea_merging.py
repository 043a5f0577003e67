"""How Gitea is asked to merge, and what it says when it does not."""

from __future__ import annotations

from millrace.deploy.base import PullRequest
from millrace.deploy.gitea_api import GiteaError
from millrace.deploy.merging import merge_message
from millrace.errors import ConflictError, DeployError, MergeRefusedError


def merging(there: PullRequest) -> dict[str, object]:
    """Return what Gitea is sent to merge a pull request as it was seen."""
    message = merge_message(there.number, there.title, there.body)
    return {
        "Do": "merge",
        "MergeTitleField": message.partition("\n")[0],
        "MergeMessageField": there.body,
        "head_commit_id": there.head,
        "delete_branch_after_merge": True,
    }


def passes(error: GiteaError) -> bool:
    """Return whether a refusal passes: it is still checking, or the main branch has moved."""
    waits = error.status == 405 and "try again" in error.said
    return waits or (error.status == 409 and "out of date" in error.said)


def refused(error: GiteaError, number: int) -> DeployError:
    """Return a refusal to merge: by a rule, or because the proposal does not apply any more.

    Args:
        error: what Gitea says.
        number: the pull request, which is open.
    """
    if error.status not in (405, 409):
        return error
    where, found = f"pull request #{number}", error.said or f"HTTP status {error.status}"
    if _is_past(error):
        return ConflictError(
            "Gitea does not merge it",
            where=where,
            found=found,
            remedy="see its page on Gitea: conflicts, or somebody was quicker",
        )
    return MergeRefusedError(
        "Gitea does not allow to merge it",
        where=where,
        found=found,
        remedy="see its page on Gitea: approvals, checks, rules of the branch",
    )


def _is_past(error: GiteaError) -> bool:
    """Return whether a refusal says that something has changed, and not that a rule forbids it.

    What Gitea itself finds in conflict is told as what it still checks, for ever.
    """
    if error.status == 409:
        return not error.said.startswith("PushRejected")  # a hook of the repository
    return passes(error)
