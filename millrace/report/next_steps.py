"""What to do next, for each way in which a run can end."""

from __future__ import annotations

from millrace.registry.registration import Proposal
from millrace.report.text import sentence
from millrace.runs.summary import RunSummary

UNTOUCHED = "Nothing was registered, and nothing that serves has changed."


def advice(summary: RunSummary) -> list[str]:
    """Return what the reader does next, as sentences in order; code stands in backticks."""
    match summary.outcome:
        case "registered":
            return _after_registration(summary)
        case "unchanged":
            return _after_the_same(summary)
        case "materialized":
            return ["Nothing to do: from now on, what serves reads these features."]
        case "gate failed":
            return [
                "What serves is as it was.",
                "Read the evidence of the failing gates, mend the data, the model or the gate, "
                "and run again.",
            ]
        case "rejected":
            return [_untouched(summary), *_remedies(summary)]
        case "failed":
            return [_untouched(summary), *_after_failure(summary)]


def _untouched(summary: RunSummary) -> str:
    if summary.pipeline == "retraining":
        return UNTOUCHED
    if summary.failed_step == "materialize":
        return "Features may have come online in part; the next run brings the rest."
    return "What is online is as it was."


def _after_registration(summary: RunSummary) -> list[str]:
    if _opened(summary) is not None:
        return _after_proposal(summary)
    if summary.registration is not None and summary.registration.champion:
        return [
            f"Nothing to do: {_version(summary)} is the champion, and later candidates are "
            "compared with it."
        ]
    return [
        f"{_version(summary).capitalize()} is a candidate in the registry; `millrace candidates` "
        "lists it. Until a release takes it, the champion stays."
    ]


def _after_the_same(summary: RunSummary) -> list[str]:
    known = f"this data and this code have {_version(summary)} already."
    if _opened(summary) is None:
        return [f"Nothing to do: {known}"]
    return [known[0].upper() + known[1:], *_after_proposal(summary)]


def _opened(summary: RunSummary) -> Proposal | None:
    """Return the pull request that somebody has to decide, if there is one."""
    proposal = summary.registration.proposal if summary.registration else None
    return proposal if proposal and proposal.state == "open" else None


def _after_proposal(summary: RunSummary) -> list[str]:
    proposal = _opened(summary)
    if proposal is None:
        return []
    if proposal.draft:
        waits = f", which waits for {proposal.waits_for}" if proposal.waits_for else ""
        return [f"Nothing to do yet: pull request #{proposal.number} is a draft{waits}."]
    return [
        f"Review pull request #{proposal.number} (`millrace pr show {proposal.number}`), then "
        f"merge it: `millrace pr merge {proposal.number}`.",
        "Until then nothing that serves changes.",
    ]


def _remedies(summary: RunSummary) -> list[str]:
    found = summary.quality.findings if summary.quality else []
    remedies = [finding.remedy for finding in found if finding.rejects and finding.remedy]
    if not remedies and summary.failure and summary.failure.get("remedy"):
        remedies = [summary.failure["remedy"]]
    return [*map(sentence, dict.fromkeys(remedies)), "Then run again."]


def _after_failure(summary: RunSummary) -> list[str]:
    remedy = (summary.failure or {}).get("remedy", "")
    done = any(step.outcome in ("done", "reused") for step in summary.steps)
    again = "Run again: steps that are done are reused." if done else "Then run again."
    return [sentence(remedy), again] if remedy else ["Read the log of the failing step.", again]


def _version(summary: RunSummary) -> str:
    return f"version {summary.registration.version}" if summary.registration else "a version"
