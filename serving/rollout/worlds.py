"""Where the controller runs, a laptop or a cluster: the settings decide, here and only here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from millrace.addresses import without_credentials
from millrace.analysis import judge
from millrace.deploy import open_forge, open_repository
from millrace.errors import MillraceError
from millrace.registry import open_registry
from millrace.release.layout import site_of
from millrace.settings import Settings
from serving.metrics.base import MetricsSource
from serving.rollout.board import Board
from serving.rollout.controller import World
from serving.rollout.readiness import LaptopReadiness, Readiness
from serving.rollout.status import RolloutStatus, StatusFiles

CLUSTER_PORT = 8080
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Installation:
    """A world, and how people see what the controller makes of it.

    Attributes:
        world: what the controller sees and touches.
        board: what the page tells.
        port: where the page is served; None if it is not.
    """

    world: World
    board: Board
    port: int | None

    def page(self) -> AbstractContextManager[object]:
        """Serve the page for a while, if there is to be one.

        Raises:
            MillraceError: its port cannot be had.
        """
        from serving.rollout.page import page

        return nullcontext() if self.port is None else page(self.board, self.port)


def open_installation(settings: Settings) -> Installation:
    """Return the installation that the settings describe; nothing of it is asked yet.

    Namespaces of arms make it a cluster.

    Raises:
        MillraceError: the settings contradict each other, or lack something.
    """
    if settings.arm_namespaces:
        return _cluster(settings)
    if settings.prometheus:
        raise MillraceError(
            "a Prometheus is set, but no namespaces of arms",
            where="MILLRACE_NAMESPACES",
            found="nothing",
            expected="names of namespaces, separated by commas",
            remedy="set it on a cluster; on a laptop, unset MILLRACE_PROMETHEUS",
        )
    return _laptop(settings)


def _laptop(settings: Settings) -> Installation:
    from serving.metrics.log import metrics_log

    board, files = Board(), StatusFiles(settings)

    def tell(status: RolloutStatus) -> None:
        files.write(status)
        board.tell(status)

    world = _world(settings, tell, metrics_log(settings), LaptopReadiness(settings))
    return Installation(world, board, settings.rollout_port)


def _cluster(settings: Settings) -> Installation:
    _check_cluster(settings)
    from serving.metrics.prometheus import PrometheusSource, open_prometheus
    from serving.rollout.declared import DeclaredObjectives
    from serving.rollout.kubernetes_api import open_kubernetes
    from serving.rollout.kubernetes_readiness import KubernetesReadiness

    board, namespaces = Board(), settings.arm_namespaces
    source = PrometheusSource(
        open_prometheus(settings.prometheus, settings.timeout),
        namespaces,
        DeclaredObjectives(open_repository(settings), time.time),
    )
    readiness = KubernetesReadiness(open_kubernetes(settings.timeout), namespaces)
    world = _world(settings, board.tell, source, readiness)
    port = CLUSTER_PORT if settings.rollout_port is None else settings.rollout_port
    return Installation(world, board, port)


def _world(
    settings: Settings,
    tell: Callable[[RolloutStatus], None],
    metrics: MetricsSource,
    readiness: Readiness,
) -> World:
    return World(
        repository=open_repository(settings),
        forge=open_forge(settings),
        metrics=metrics,
        readiness=readiness,
        registry=open_registry(settings),
        judge=judge,
        site=site_of(settings),
        clock=time.time,
        tell=tell,
        settling=settings.settling,
    )


def _check_cluster(settings: Settings) -> None:
    """See that the settings say what a pod cannot find beside itself.

    Raises:
        MillraceError: one of them does not.
    """
    for name in settings.arm_namespaces:
        if not _NAMESPACE.fullmatch(name):
            raise MillraceError(
                "this is no name of a namespace",
                where="MILLRACE_NAMESPACES",
                found=repr(name),
                expected="names of namespaces, separated by commas",
            )
    needed = {
        "MILLRACE_PROMETHEUS": (settings.prometheus, "the URL of a Prometheus"),
        "MILLRACE_DEPLOY_REPOSITORY": (settings.deploy_repository, "the URL of a repository"),
        "MILLRACE_MLFLOW_URI": (settings.mlflow_uri, "the URL of an MLflow server"),
    }
    for variable, (value, expected) in needed.items():
        if not value.startswith(("http://", "https://", "ssh://")):
            raise MillraceError(
                "on a cluster this must be a server's address",
                where=variable,
                found=without_credentials(value).rpartition("@")[2] or "nothing",
                expected=expected,
                remedy="set the variable; on a laptop, unset MILLRACE_NAMESPACES",
            )
    if settings.forge == "local":
        raise MillraceError(
            "pull requests cannot live in a folder on a cluster",
            where="MILLRACE_FORGE",
            found="local",
            expected="gitea",
            remedy="set the variable; on a laptop, unset MILLRACE_NAMESPACES",
        )
