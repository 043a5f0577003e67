"""The cluster itself, made with kind, or with scripts that do without a container registry."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from millrace.errors import MillraceError
from tools.kind.dependencies import load_dependencies
from tools.kind.ports import CONFIG, require_free_ports
from tools.kind.progress import holds_within
from tools.kind.shell import Shell, needed

NAME = "millrace"
PATIENCE = 120.0
"""Seconds in which the API server of a cluster that was there has answered."""
TOOLS = "MILLRACE_CLUSTER_TOOLS"
"""Names a folder with the commands `up CLUSTER CONFIG`, `load CLUSTER IMAGE...`, `down CLUSTER` and
`env`, which prints exports for a shell. They take the place of kind's own commands."""
RECIPES = "python envoy-gateway cert-manager kserve versitygw gitea redis prometheus postgres"
"""What these commands are asked to have ready."""


class Cluster(ABC):
    """A kind cluster of this machine."""

    shell: Shell

    def up(self) -> None:
        """Make it, unless it is there; one whose making was interrupted is made anew.

        Raises:
            MillraceError: it was not made, or a port that it wants is taken.
        """
        if not self._nodes():
            require_free_ports()
        self._wake()
        if self._nodes("--all") and not self._is_whole():
            self.down()
        self._complete()

    @abstractmethod
    def _wake(self) -> None:
        """Start nodes that are stopped, if they outlive that."""

    @abstractmethod
    def _complete(self) -> None:
        """Make what is missing of it."""

    @abstractmethod
    def load(self, images: Sequence[str]) -> None:
        """Bring images of this machine into its nodes."""

    @abstractmethod
    def down(self) -> None:
        """Remove it, if it is there."""

    def kubectl(
        self,
        *words: str,
        given: str | None = None,
        timeout: float = 600.0,
        quiet: bool = False,
    ) -> str:
        """Run kubectl on it and return what it printed.

        Raises:
            MillraceError: it failed.
        """
        return self.shell.run(
            *("kubectl", "--context", f"kind-{NAME}", *words),
            given=given,
            timeout=timeout,
            quiet=quiet,
        )

    def helm(self, *words: str, quiet: bool = False) -> str:
        """Run Helm on it and return what it printed.

        Raises:
            MillraceError: it failed.
        """
        return self.shell.run("helm", "--kube-context", f"kind-{NAME}", *words, quiet=quiet)

    def has(self, *words: str) -> bool:
        """Return whether `kubectl get` finds something."""
        return self.shell.succeeds("kubectl", "--context", f"kind-{NAME}", "get", *words)

    def _nodes(self, *words: str) -> list[str]:
        """Return the nodes that run, or with `--all` those that are there."""
        label = f"label=io.x-k8s.kind.cluster={NAME}"
        asked = ("docker", "ps", *words, "--filter", label, "--format", "{{.Names}}")
        try:
            return self.shell.run(*asked).split()
        except MillraceError:  # where docker does not run, no node does
            return []

    def _is_whole(self) -> bool:
        """Return whether kind came to its end: what gives volumes is the last that it installs."""
        return (
            self.shell.succeeds("kind", "export", "kubeconfig", "--name", NAME)
            and holds_within(PATIENCE, lambda: self.has("--raw", "/readyz"))
            and bool(self.kubectl("get", "storageclass", "--output", "name"))
        )


class Kind(Cluster):
    """kind's own commands; images come from their registries."""

    def __init__(self) -> None:
        self.shell = Shell(os.environ)
        needed(["docker", "kind", "kubectl", "helm"], self.shell.environment)
        self.shell.run("docker", "info", "--format", "{{.ServerVersion}}")

    def _wake(self) -> None:
        """Start nodes that are stopped: after a restart of the machine, say."""
        if nodes := self._nodes("--all"):
            self.shell.run("docker", "start", *nodes)

    def _complete(self) -> None:
        """Make it, unless it is there."""
        if self._nodes("--all"):
            return
        image = load_dependencies(self.shell.environment).node_image
        self.shell.run(
            *("kind", "create", "cluster", "--name", NAME, "--image", image),
            *("--config", str(CONFIG), "--wait", "180s"),
        )

    def load(self, images: Sequence[str]) -> None:
        """Bring images of this machine into its nodes."""
        self.shell.run("kind", "load", "docker-image", "--name", NAME, *images)

    def down(self) -> None:
        """Remove it, if it is there."""
        self.shell.run("kind", "delete", "cluster", "--name", NAME)


class Scripts(Cluster):
    """The commands of a folder."""

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self._folder = folder.resolve()
        shell = Shell({**os.environ, "MILLRACE_CLUSTER_IMAGES": RECIPES})
        exports = shell.run(str(self._folder / "env"))
        told = shell.run("bash", "-c", f"{exports}\nenv -0", quiet=True)
        variables = (line.partition("=") for line in told.split("\0") if "=" in line)
        self.shell = Shell({name: value for name, _, value in variables})

    def _wake(self) -> None:
        """Leave stopped nodes to the commands."""

    def _complete(self) -> None:
        """Make it, or what is missing of it."""
        self.shell.run(str(self._folder / "up"), NAME, str(CONFIG.resolve()), timeout=3600.0)

    def load(self, images: Sequence[str]) -> None:
        """Bring images of this machine into its nodes."""
        self.shell.run(str(self._folder / "load"), NAME, *images)

    def down(self) -> None:
        """Remove it, if it is there."""
        self.shell.run(str(self._folder / "down"), NAME)


def open_cluster() -> Cluster:
    """Return the cluster that the environment asks for.

    Raises:
        MillraceError: what makes it is missing.
    """
    folder = os.environ.get(TOOLS)
    return Scripts(Path(folder)) if folder else Kind()
