"""Find the bundle that a candidate is compared with."""

from __future__ import annotations

from typing import Literal

from millrace.documents import Document
from millrace.errors import RegistryError
from millrace.registry.base import open_registry
from millrace.registry.published import is_digest
from millrace.settings import Settings


class Champion(Document):
    """The champion of a run."""

    digest: str = ""
    """Digest of its bundle; empty if there is none."""
    source: Literal["registry", "given", "none"]
    """Who named it: the registry, whoever started the run, or nobody."""


def find_champion(name: str, wanted: str, settings: Settings) -> Champion:
    """Return the bundle that a workload's candidate is compared with.

    Args:
        name: the workload's name.
        wanted: `auto` to ask the registry, `none`, or the digest of a bundle.
        settings: where the registry is.

    Raises:
        RegistryError: the registry does not answer, or `wanted` is none of these.
    """
    if wanted == "none":
        return Champion(source="none")
    if wanted != "auto":
        if not is_digest(wanted):
            raise RegistryError(
                "this names no champion",
                found=repr(wanted),
                expected="auto, none, or the 64 hexadecimal digits of a bundle's digest",
                remedy="see `millrace candidates`",
            )
        return Champion(digest=wanted, source="given")
    found = open_registry(settings).champion(name)
    return Champion(digest=found, source="registry") if found else Champion(source="none")
