"""A pull request as Gitea's REST API tells it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from millrace.errors import DeployError

_MARK = "WIP: "
"""How the title of a draft begins."""
_MARKS = ("WIP:", "[WIP]")


class Side(BaseModel):
    """One of the two branches."""

    model_config = ConfigDict(frozen=True)

    label: str
    """The branch, even after it has gone, when `ref` becomes another name."""
    sha: str


class GiteaPull(BaseModel):
    """What is used of a pull request; Gitea tells more."""

    model_config = ConfigDict(frozen=True)

    number: int
    title: str
    body: str | None
    state: Literal["open", "closed"]
    merged: bool
    merge_commit_sha: str | None
    created_at: datetime
    closed_at: datetime | None = None
    html_url: str
    base: Side
    head: Side


class User(BaseModel):
    """Who did something."""

    model_config = ConfigDict(frozen=True)

    login: str


class Event(BaseModel):
    """Something that was done with a pull request, or said of it."""

    model_config = ConfigDict(frozen=True)

    type: str
    """Such as `comment`, `close` or `reopen`."""
    user: User
    body: str = ""


T = TypeVar("T", bound=BaseModel)


def parsed(kind: type[T], entry: Any, where: str) -> T:
    """Return what an answer tells.

    Args:
        kind: what it is.
        entry: what the answer holds.
        where: URL of Gitea, for the message.

    Raises:
        DeployError: it is told otherwise than expected.
    """
    try:
        return kind.model_validate(entry)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise DeployError(
            "the answer is not as Gitea tells a pull request",
            where=where,
            found=f"{place}: {fault['msg']}" if place else fault["msg"],
            remedy="set MILLRACE_FORGE_URL to Gitea's base URL",
        ) from error


def closing_comment(events: Sequence[Event]) -> str:
    """Return what whoever closed a pull request last said of it before, if they said something.

    Args:
        events: what happened about then, the oldest first.
    """
    said: dict[str, str] = {}
    why = ""
    for event in events:
        if event.type == "comment":
            said[event.user.login] = event.body
        elif event.type == "reopen":
            said.clear()
        elif event.type == "close":
            why = said.get(event.user.login, "")
    return why


def with_mark(title: str, *, draft: bool) -> str:
    """Return the title that Gitea takes for one of a draft, or of no draft."""
    return f"{_MARK}{title}" if draft else title


def without_mark(title: str) -> tuple[str, bool]:
    """Return a title without the mark of a draft, and whether there was one."""
    for mark in _MARKS:
        if title.upper().startswith(mark):
            return title[len(mark) :].strip(), True
    return title, False
