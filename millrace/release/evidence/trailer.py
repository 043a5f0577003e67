"""The last lines of a pull request's text, by which tools know what it is about."""

from __future__ import annotations

import re

from millrace.documents import Document
from millrace.release.documents import ArmRef
from millrace.release.layout import Verb

_LINE = re.compile(r"^Millrace-(Workload|Bundle|Version|Verb): (.+)$", re.MULTILINE)


class Trailer(Document):
    """What a pull request is about."""

    workload: str
    digest: str
    version: int
    verb: Verb


def trailer(workload: str, arm: ArmRef, verb: Verb) -> str:
    """Return the trailer of a pull request about an arm."""
    lines = {
        "Workload": workload,
        "Bundle": f"sha256:{arm.digest}",
        "Version": str(arm.version),
        "Verb": verb,
    }
    return "\n".join(f"Millrace-{name}: {value}" for name, value in lines.items())


def read_trailer(body: str) -> Trailer | None:
    """Return what a pull request is about; None if its text has no trailer, or not ours."""
    found = {name: value.strip() for name, value in _LINE.findall(body)}
    if len(found) < 4 or not found["Version"].isdecimal():
        return None
    try:
        return Trailer.model_validate(
            {
                "workload": found["Workload"],
                "digest": found["Bundle"].removeprefix("sha256:"),
                "version": int(found["Version"]),
                "verb": found["Verb"],
            }
        )
    except ValueError:
        return None
