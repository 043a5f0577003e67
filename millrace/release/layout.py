"""Names in the deploy repository: folders, files, arms, branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from millrace.release.documents import Canary
from millrace.settings import Settings

ROLLOUT = "rollout.yaml"
ROUTE = "route.yaml"
KUSTOMIZATION = "kustomization.yaml"
ARMS = "arms"

Verb = Literal["release", "restore", "advance", "promote", "roll back"]
"""What a pull request asks for."""


@dataclass(frozen=True)
class Site:
    """Where an installation keeps bundles and answers requests.

    Attributes:
        bucket: address of the bucket, such as `s3://millrace`.
        domain: a workload answers at WORKLOAD.DOMAIN.
    """

    bucket: str = "s3://millrace"
    domain: str = "millrace.localhost"

    def storage_uri(self, digest: str) -> str:
        """Return where a bundle lies, as it stands in Git."""
        return f"{self.bucket.rstrip('/')}/bundles/sha256/{digest}"

    def hostname(self, workload: str) -> str:
        """Return the host name under which a workload answers."""
        return f"{workload}.{self.domain}"


def site_of(settings: Settings) -> Site:
    """Return the site that an installation's settings describe."""
    return Site(bucket=settings.bucket, domain=settings.domain)


def arm_name(workload: str, version: int) -> str:
    """Return the name of a version's InferenceService, such as `churn-v8`."""
    return f"{workload}-v{version}"


def arm_file(workload: str, arm: str) -> str:
    """Return the path of an arm's file from the repository's root."""
    return f"{workload}/{ARMS}/{arm}.yaml"


def has_release(files: Mapping[str, bytes], workload: str) -> bool:
    """Return whether a release stands in some files of the deploy repository."""
    return f"{workload}/{ROLLOUT}" in files


def branch_of(workload: str, canary: Canary, verb: Verb, *, step: int = -1) -> str:
    """Return the branch of a pull request: the same for everyone who proposes the same.

    Args:
        workload: name of the workload.
        canary: the bundle that it is about; for a first release, the stable arm's.
        verb: what is asked.
        step: index of the step at which it is asked, as Position counts; -1 before the first.
    """
    attempt = f"restore-{canary.attempt}-" if canary.purpose == "restore" else ""
    names: dict[Verb, str] = {
        "release": "release",
        "restore": attempt.removesuffix("-"),
        "advance": f"{attempt}step-{step + 1}-advance",
        "promote": f"{attempt}promote",
        "roll back": f"{attempt}step-{step + 1}-roll-back",
    }
    return f"millrace/{workload}/{canary.digest[:12]}/{names[verb]}"
