"""Find the bundle that a candidate is compared with."""

from __future__ import annotations

from typing import Literal

from millrace.deploy import open_repository
from millrace.documents import Document
from millrace.errors import RegistryError
from millrace.registry.base import open_registry
from millrace.registry.published import is_digest
from millrace.settings import Settings


class Champion(Document):
    """The champion of a run."""

    digest: str = ""
    """Digest of its bundle; empty if there is none."""
    source: Literal["release", "registry", "given", "none"]
    """Who named it: the deploy repository, the registry, whoever started the run, or nobody."""


def find_champion(name: str, wanted: str, settings: Settings) -> Champion:
    """Return the bundle that a workload's candidate is compared with.

    What serves is what the deploy repository says. While nothing is released, the registry's
    champion stands in for it: the first version.

    Args:
        name: the workload's name.
        wanted: `auto` to ask deploy repository and registry, `none`, or the digest of a bundle.
        settings: where these are.

    Raises:
        DeployError: the deploy repository does not answer.
        ReleaseError: what it says cannot be.
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
    from millrace.release.history import present_release, serving_arm

    release = present_release(open_repository(settings), name)
    if release is not None:
        return Champion(digest=serving_arm(release).digest, source="release")
    found = open_registry(settings).champion(name)
    return Champion(digest=found, source="registry") if found else Champion(source="none")
