"""The platform's own images: built, named after their content, and brought into the cluster."""

from __future__ import annotations

import sys

from millrace.digests import digest_of_bytes
from tools.images.roles import CLUSTER, image_name
from tools.kind.cluster import Cluster
from tools.kind.progress import step
from tools.kind.shell import FOLDER

MADE = FOLDER / "images.txt"
"""The names that were given to images here, one a line."""


def bring_images(cluster: Cluster) -> dict[str, str]:
    """Build the images that run on a cluster and load them; return the tag of each role.

    A tag names the content, so only what changed is started anew.
    """
    with step("images"):
        cluster.shell.run(sys.executable, "-m", "tools.images", *CLUSTER, timeout=1800.0)
        tags, names = {}, []
        for role in CLUSTER:
            name = image_name(role)
            layers = cluster.shell.run(
                *("docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", name)
            )
            repository, _, version = name.rpartition(":")
            tags[role] = f"{version}-{digest_of_bytes(layers.encode())[:12]}"
            named = f"{repository}:{tags[role]}"
            _keep(named)
            cluster.shell.run("docker", "tag", name, named)
            names += [name, named]
        cluster.load(names)
    return tags


def forget_images(cluster: Cluster) -> None:
    """Take away the names that `bring_images` gave; what `make images` named stays."""
    if MADE.is_file():
        cluster.shell.succeeds("docker", "image", "rm", *_kept())


def _keep(name: str) -> None:
    if name not in _kept():
        with MADE.open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")


def _kept() -> list[str]:
    return MADE.read_text(encoding="utf-8").split() if MADE.is_file() else []
