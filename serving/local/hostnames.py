"""The hosts that a route answers for, as the Gateway API writes them; in lower case."""

from __future__ import annotations

import re

from millrace.errors import ReleaseError
from millrace.located import YamlDocument

LONGEST = 253
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")


def hostnames_of(document: YamlDocument) -> tuple[str, ...]:
    """Return the hosts of a route.

    Args:
        document: the route, whose hostnames are a list of texts.

    Raises:
        ReleaseError: one is no name of a host, or stands there twice.
    """
    found: list[str] = []
    for index, given in enumerate(document.content["spec"]["hostnames"]):
        name, where = given.lower(), document.where(("spec", "hostnames", index))
        if len(name) > LONGEST or _NAME.fullmatch(name) is None:
            raise ReleaseError(
                "this is no name of a host",
                where=where,
                found=repr(given[:LONGEST]),
                expected="such as pumps.example.com or *.example.com, without a port",
            )
        if name in found:
            raise ReleaseError(
                f"the host {name} stands here a second time", where=where, remedy="keep one of them"
            )
        found.append(name)
    return tuple(found)
