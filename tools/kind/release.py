"""Releases on the cluster: the first one of a workload, and `kubectl apply` of what Git says."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import s3fs

from millrace.deploy import open_forge, open_repository
from millrace.errors import MillraceError
from millrace.release.layout import has_release
from millrace.release.reading import read_release
from millrace.settings import Settings
from tools.kind.cluster import Cluster
from tools.kind.diagnosis import telling_why
from tools.kind.environment import GATEWAY, OBJECT_STORE
from tools.kind.progress import step, until
from tools.kind.secrets import ARMS
from tools.kind.shell import Shell

WORKLOADS = Path("workloads")
PRUNED = (
    "serving.kserve.io/v1beta1/InferenceService",
    "gateway.networking.k8s.io/v1/HTTPRoute",
    "gateway.networking.k8s.io/v1/GRPCRoute",
)
"""Kinds that `kubectl apply` removes once Git no longer has them."""


def first_release(workload: str, settings: Mapping[str, str]) -> None:
    """Train a workload and merge what its run proposes, unless it is released already."""
    known = settings_of(settings)
    repository, forge = open_repository(known), open_forge(known, person=True)
    if has_release(repository.files(repository.head(), workload), workload):
        return
    _make_bucket(settings)
    with step(f"{workload}: a pipeline run"):
        _train(workload, settings)
    with step(f"{workload}: its first release is merged"):
        proposed = forge.pull_requests(workload)
        if not proposed:
            raise MillraceError("the run proposed nothing", where=workload, remedy="see its report")
        forge.merge(proposed[0].number)


def apply_releases(
    cluster: Cluster, settings: Mapping[str, str], *, namespace: str = ARMS, only: str = ""
) -> list[str]:
    """Apply the release folders of the deploy repository's main branch; return the workloads.

    Args:
        cluster: where.
        settings: of the deploy repository.
        namespace: where the arms run.
        only: the one workload to apply; all of them if it is empty.
    """
    repository = open_repository(settings_of(settings))
    head = repository.head()
    workloads = [only] if only else repository.folders(head)
    for workload in workloads:
        files = repository.files(head, workload)
        read_release(files, workload)
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            cluster.kubectl(
                *("apply", "--namespace", namespace, "--kustomize", str(Path(folder, workload))),
                *("--prune", "--selector", f"millrace.dev/workload={workload}"),
                *(f"--prune-allowlist={kind}" for kind in PRUNED),
            )
    return workloads


def wait_until_it_serves(cluster: Cluster, workload: str, settings: Mapping[str, str]) -> None:
    """Wait until the arms of a workload are ready and the gateway answers for it."""
    repository = open_repository(settings_of(settings))
    release = read_release(repository.files(repository.head(), workload), workload)
    arm = release.stable.name
    with step(f"{workload}: {arm} is ready"), telling_why(cluster, ARMS, f"{arm}-"):
        cluster.kubectl(
            *("wait", f"inferenceservice/{arm}", "--namespace", ARMS),
            *("--for=condition=Ready", "--timeout=240s"),
        )
    with step(f"{workload}: the gateway answers"):
        until(
            f"an answer of {workload}",
            lambda: answers(workload),
            60,
            "see `kubectl describe httproute --namespace models`",
        )


def answers(workload: str) -> bool:
    """Return whether a workload's model is ready, asked through the gateway."""
    host = {"Host": f"{workload}.millrace.localhost"}
    try:
        url = f"{GATEWAY}/v2/models/{workload}/ready"
        return bool(requests.get(url, headers=host, timeout=5).ok)
    except requests.RequestException:
        return False


def _train(workload: str, settings: Mapping[str, str]) -> None:
    """Run the compiled pipeline on this machine against the cluster's stores."""
    program = str(Path(sys.executable).with_name("millrace"))
    Shell({**os.environ, **settings}).run(program, "run", str(WORKLOADS / workload), timeout=900.0)


def _make_bucket(settings: Mapping[str, str]) -> None:
    bucket = s3fs.S3FileSystem(
        key=settings["AWS_ACCESS_KEY_ID"],
        secret=settings["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=OBJECT_STORE,
    )
    if not bucket.exists("millrace"):
        bucket.mkdir("millrace")


def settings_of(variables: Mapping[str, str]) -> Settings:
    """Return the settings that some variables make."""
    prefix = "MILLRACE_"
    given: dict[str, Any] = {
        name.removeprefix(prefix).lower(): value
        for name, value in variables.items()
        if name.startswith(prefix)
    }
    return Settings(**given)
