"""Changes to headers that a route asks for: as the Gateway API writes them, and as Envoy can do."""

from __future__ import annotations

import re
from typing import Any

from millrace.errors import ReleaseError
from millrace.located import Place, YamlDocument
from serving.local.splits import HeaderChanges

MOST = 16
"""Entries of a list, as the Gateway API has it."""
LONGEST_VALUE = 4096
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}")


def header_changes(document: YamlDocument, place: Place, modifier: dict[str, Any]) -> HeaderChanges:
    """Return what a header modifier asks for.

    Args:
        document: the route.
        place: where the modifier stands in it.
        modifier: the same as it was read.

    Raises:
        ReleaseError: no gateway could do it, or the local one could not.
        TypeError: it is not made of lists of names and values.
        KeyError: a name or a value is missing.
        AttributeError: it is not made of mappings.
    """

    def entries(key: str) -> list[Any]:
        found = modifier.get(key) or []
        if not isinstance(found, list):
            raise TypeError
        if len(found) > MOST:
            raise ReleaseError(
                f"too many headers under `{key}`",
                where=document.where((*place, key)),
                found=str(len(found)),
                expected=f"at most {MOST}",
            )
        return found

    def pairs(key: str) -> dict[str, str]:
        found = {}
        for index, one in enumerate(entries(key)):
            here = (*place, key, index)
            name = _name(document.where((*here, "name")), one["name"])
            found[name] = _value(document.where((*here, "value")), one["value"])
        return found

    removed = tuple(
        _name(document.where((*place, "remove", index)), one)
        for index, one in enumerate(entries("remove"))
    )
    return HeaderChanges(pairs("set"), pairs("add"), removed)


def _name(where: str, name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError
    if _NAME.fullmatch(name) is None:
        raise ReleaseError(
            "this is no name of a header",
            where=where,
            found=repr(name),
            expected="1 to 256 letters, digits and signs such as -",
        )
    if name.lower() == "host":
        raise ReleaseError(
            f"the local gateway does not do this: another {name}",
            where=where,
            remedy="remove it, or run this route on a cluster",
        )
    return name


def _value(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    text = value.replace("\t", " ")
    if not text.isprintable() or text != text.strip() or len(text) > LONGEST_VALUE:
        raise ReleaseError(
            "this is no value of a header",
            where=where,
            found=repr(value[:100]),
            expected=f"at most {LONGEST_VALUE} letters in one line, without spaces around them",
        )
    return value
