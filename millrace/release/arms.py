"""The file of a new arm: like the arm that serves, but for its bundle."""

from __future__ import annotations

import yaml

from millrace.release.changes import Files
from millrace.release.documents import ArmRef, Release
from millrace.release.layout import Site, arm_file
from millrace.release.rendering import inference_service
from millrace.release.writing import arm_content
from millrace.workload.serving import Serving


def canary_arm(files: Files, release: Release, arm: ArmRef, serving: Serving, site: Site) -> bytes:
    """Return the file of a new arm.

    It takes over from the stable arm's what people added there: resources, tolerations, labels.

    Args:
        files: the workload's files.
        release: what they say.
        arm: the new arm's bundle.
        serving: how it answers.
        site: where bundles lie.
    """
    like = yaml.safe_load(files[arm_file(release.workload, release.stable.name)])
    return arm_content(inference_service(release.workload, arm, serving, site, like=like))
