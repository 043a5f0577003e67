"""What stands above the text of a pull request: why it is a draft, what became of it since."""

from __future__ import annotations

import re

_DRAFT = re.compile(r"\A> \*\*Draft\*\*.*\n\n?")
_ANEW = re.compile(r"\A> \*\*Made anew\*\*.*\n\n?")
_AGAIN = re.compile(r"\A> \*\*Proposed again\*\*.*\n\n?")


def has_note(body: str) -> bool:
    """Return whether a pull request's text says on top why it is a draft."""
    return _DRAFT.match(body) is not None


def with_note(body: str, waits_for: str) -> str:
    """Return a pull request's text that says on top what it waits for; without, if nothing."""
    plain = _DRAFT.sub("", body)
    return f"> **Draft**: waits for {waits_for}.\n\n{plain}" if waits_for else plain


def held(body: str, reason: str) -> str:
    """Return a pull request's text that says on top why it may not be merged at the moment."""
    return f"> **Draft**: not now: {reason.rstrip('.')}.\n\n{_DRAFT.sub('', body)}"


def made_anew(body: str, serves: str) -> str:
    """Return a candidate's text that says on top beside which other arm it is to go on trial.

    Args:
        body: the text.
        serves: name of that arm; empty if there is none.
    """
    plain = _ANEW.sub("", _DRAFT.sub("", body))
    if not serves:
        return plain
    return (
        f"> **Made anew**: `{serves}` serves by now. Merging puts this version on trial beside it, "
        "step by step; their scores are not compared. What follows was written before.\n\n"
        f"{plain}"
    )


def proposed_again(body: str, number: int, serves: str, reason: str, *, compared: bool) -> str:
    """Return a candidate's text that says on top that it was proposed before.

    Args:
        body: the text of then.
        number: the pull request of then.
        serves: name of the arm that serves; empty if there is none.
        reason: why it is proposed again; empty if that was not said.
        compared: whether its scores are compared with those of the arm that serves.
    """
    plain = _AGAIN.sub("", _ANEW.sub("", _DRAFT.sub("", body)))
    why = f": {reason.rstrip('.')}" if reason else ""
    beside = f"Merging puts this version on trial beside `{serves}`" if serves else ""
    scores = "" if compared or not serves else "; their scores are not compared"
    told = f" {beside}{scores}." if beside else ""
    return (
        f"> **Proposed again**: it was pull request #{number} before{why}.{told} "
        f"What follows was written then.\n\n{plain}"
    )
