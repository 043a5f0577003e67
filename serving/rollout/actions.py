"""What the controller may do: values, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.deploy.base import Changes


@dataclass(frozen=True)
class Commit:
    """Put a commit on the main branch: the mechanical end of something people approved."""

    changes: Changes
    message: str
    reason: str


@dataclass(frozen=True)
class Propose:
    """Open a pull request; `known` is the newest of its branch that is over, 0 if there is none."""

    branch: str
    changes: Changes
    title: str
    body: str
    known: int
    reason: str


@dataclass(frozen=True)
class Update:
    """Make an open pull request propose this, on top of the main branch of now."""

    number: int
    head: str
    changes: Changes
    title: str
    body: str
    draft: bool
    reason: str


@dataclass(frozen=True)
class Merge:
    """Merge an open pull request, as the workload's policy allows without a person."""

    number: int
    head: str
    reason: str


@dataclass(frozen=True)
class Close:
    """Close an open pull request; the comment is its reason."""

    number: int
    reason: str


@dataclass(frozen=True)
class Settle:
    """Make the pull request of a candidate fit what serves: ready or draft, on top of main."""

    number: int
    head: str
    reason: str


@dataclass(frozen=True)
class Promote:
    """Make a bundle the champion in the model registry."""

    digest: str
    reason: str


@dataclass(frozen=True)
class Nothing:
    """Leave everything as it is."""

    reason: str


Action = Commit | Propose | Update | Merge | Close | Settle | Promote | Nothing
