"""The pull request that brings a kept bundle back."""

from __future__ import annotations

from millrace.registry.card import Card
from millrace.release.documents import Canary, Release
from millrace.release.evidence.candidate import as_of_text, estimate_text, gates_table
from millrace.release.evidence.markdown import Text, bullets, numbered, page, table
from millrace.release.evidence.policy import restore_steps
from millrace.release.evidence.trailer import trailer
from millrace.report.text import metric_name


def restore_text(
    release: Release, canary: Canary, card: Card, *, uri: str, reason: str = "", served: str = ""
) -> Text:
    """Return the text that proposes to let a kept bundle serve again.

    Args:
        release: the release as it stands.
        canary: the bundle, with the purpose `restore`.
        card: its card.
        uri: where it lies.
        reason: why a person wants it, in one clause.
        served: when it served before, in words; empty if it never did.
    """
    why = f"Why: {reason.rstrip('.')}." if reason else ""
    rows = [
        ["serves now", f"version {release.stable.version}, `sha256:{release.stable.digest}`"],
        ["shall serve", f"version {canary.version}, `sha256:{canary.digest}`"],
        ["address", f"`{uri}`"],
        ["served before", served or "never"],
        ["snapshot", f"`{card.lineage.snapshot}`"],
        ["data", f"as of {as_of_text(card.lineage)}"],
    ]
    again = " again" if served else ""
    body = page(
        f"**Let version {canary.version} of `{release.workload}` serve{again}** instead of version "
        f"{release.stable.version}.",
        why,
        table(["what", "which"], rows),
        "Every file of the bundle was checked against its digest when this was proposed.",
        "## Gates",
        "As they were when it was registered.",
        gates_table(card.gates),
        "## Metrics",
        table(
            ["metric", "on its own held-out rows"],
            [[metric_name(name), estimate_text(found)] for name, found in card.metrics.items()],
        ),
        "## What merging does",
        numbered(restore_steps(canary, release)),
        "## What to look at",
        bullets(
            [
                "Whether the feature views that this bundle reads are still filled: "
                f"{', '.join(card.lineage.feature_views)}.",
                "The files: the arm's file, both routes with the arm at weight 0, and the rollout.",
            ]
        ),
        "## How to undo it",
        f"Close this pull request to leave things as they are. Once it is merged: `millrace "
        f"rollback {release.workload}` brings version {release.stable.version} back.",
        "---",
        trailer(release.workload, canary, "restore"),
    )
    title = f"Restore {release.workload} v{canary.version}"
    return Text(f"{title}: {reason}" if reason else title, body)
