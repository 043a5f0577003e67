"""The platform of `make kind-up`, as tests see it: kubectl, Helm, the stores, the gateway."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
import s3fs

from millrace.deploy import Forge, Repository, open_forge, open_repository
from millrace.release import ArmRef, Canary, Release, canary_arm, propose_candidate, read_release
from millrace.release.layout import site_of
from millrace.release.writing import write_release
from millrace.settings import Settings
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from tests.integration.loads import Load, load_at
from tests.integration.predictors import MODEL, ServedBundle, row
from tools.kind.cluster import Cluster, open_cluster
from tools.kind.environment import GATEWAY, OBJECT_STORE, settings_for
from tools.kind.release import apply_releases, settings_of

ARMS = "models"
PLATFORM = "millrace"
PROMETHEUS = "http://127.0.0.1:30090"
DOMAIN = "millrace.localhost"
PORT = int(GATEWAY.rpartition(":")[2])


def wait_for(holds: Callable[[], Any], what: str, seconds: float = 90.0) -> Any:
    """Return what a condition returns, once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.25)
    return found


@dataclass
class World:
    """A running platform."""

    cluster: Cluster = field(default_factory=open_cluster)

    def __post_init__(self) -> None:
        self.variables = settings_for(self.cluster)
        self.settings: Settings = settings_of(self.variables)

    @property
    def environment(self) -> dict[str, str]:
        """Return what `millrace` needs to work with the cluster's stores."""
        return {**os.environ, **self.variables, "NO_COLOR": "1"}

    @property
    def repository(self) -> Repository:
        return open_repository(self.settings)

    @property
    def forge(self) -> Forge:
        return open_forge(self.settings, person=True)

    def kubectl(self, *words: str, given: str | None = None) -> str:
        return self.cluster.kubectl(*words, given=given)

    def tried(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl, whatever becomes of it."""
        return subprocess.run(
            ["kubectl", "--context", "kind-millrace", *words],
            env=self.cluster.shell.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def get(self, *words: str) -> Any:
        """Return what `kubectl get` finds, as JSON."""
        return json.loads(self.kubectl("get", *words, "--output", "json"))

    def apply(self, manifest: Any, namespace: str = ARMS) -> None:
        self.kubectl(
            "apply", "--namespace", namespace, "--filename", "-", given=json.dumps(manifest)
        )

    def pods(self, arm: str, namespace: str = ARMS) -> list[dict[str, Any]]:
        label = f"serving.kserve.io/inferenceservice={arm}"
        found = self.get("pods", "--namespace", namespace, "--selector", label)["items"]
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]

    def is_ready(self, arm: str, namespace: str = ARMS) -> bool:
        """Return whether KServe calls an arm ready."""
        found = self.tried(
            *("get", "inferenceservice", arm, "--namespace", namespace),
            *("--output", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'),
        )
        return found.stdout == "True"

    def wait_until_ready(self, arm: str, namespace: str = ARMS, seconds: float = 180.0) -> None:
        wait_for(lambda: self.is_ready(arm, namespace), f"{arm} is ready", seconds)

    def publish(self, bundle: ServedBundle) -> str:
        """Put a bundle into the bucket and return its address."""
        place = f"millrace/bundles/sha256/{bundle.digest}"
        bucket = s3fs.S3FileSystem(
            key=self.variables["AWS_ACCESS_KEY_ID"],
            secret=self.variables["AWS_SECRET_ACCESS_KEY"],
            endpoint_url=OBJECT_STORE,
        )
        for file in bundle.folder.iterdir():
            bucket.put_file(str(file), f"{place}/{file.name}")
        return f"s3://{place}"

    def release(self, bundle: ServedBundle, version: int = 1, *, serving: Serving) -> None:
        """Commit a first release of the small model, and apply it."""
        self.publish(bundle)
        name = f"{MODEL}-v{version}"
        release = Release(
            workload=MODEL,
            stable=ArmRef(version=version, digest=bundle.digest, name=name),
            weights={name: 100},
            serving=serving,
            rollout=Rollout(),
        )
        repository = self.repository
        head = repository.head()
        gone: dict[str, bytes | None] = dict.fromkeys(repository.files(head, MODEL))
        files = write_release(release, site_of(self.settings))
        repository.commit(head, {**gone, **files}, f"Release {MODEL}")
        self.apply_release()

    def bring(
        self,
        bundle: ServedBundle,
        version: int,
        rollout: Rollout,
        edit: Callable[[bytes], bytes] = lambda content: content,
    ) -> str:
        """Commit a canary of the small model beside what serves, at weight 0, and apply it.

        Args:
            bundle: its bundle, which lies in the bucket.
            version: its version.
            rollout: how it is judged.
            edit: changes the text of the arm's file.
        """
        repository = self.repository
        head = repository.head()
        files = repository.files(head, MODEL)
        release = read_release(files, MODEL)
        canary = Canary(version=version, digest=bundle.digest, name=f"{MODEL}-v{version}")
        content = canary_arm(files, release, canary, release.serving, site_of(self.settings))
        changes = propose_candidate(
            files,
            release,
            canary,
            edit(content),
            serving=release.serving,
            rollout=rollout,
            now=time.time(),
        )
        repository.commit(head, changes, f"Bring {canary.name}")
        self.apply_release()
        return canary.name

    def released(self) -> Release:
        """Return what main says of the small model."""
        repository = self.repository
        return read_release(repository.files(repository.head(), MODEL), MODEL)

    def apply_release(self, workload: str = MODEL) -> None:
        """`kubectl apply` what main says of a workload."""
        apply_releases(self.cluster, self.variables, only=workload)

    def ask(
        self,
        path: str = f"/v2/models/{MODEL}/infer",
        body: Any = None,
        *,
        workload: str = MODEL,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request through the gateway: a row of the small model, unless told otherwise."""
        content = body if body is not None or not path.endswith("/infer") else row()
        return requests.request(
            "POST" if content else "GET",
            f"{GATEWAY}{path}",
            json=content,
            headers={"Host": f"{workload}.{DOMAIN}", **(headers or {})},
            timeout=30,
        )

    def query(self, text: str) -> dict[str, float]:
        """Ask Prometheus and return values by the label `arm`."""
        answer = requests.get(f"{PROMETHEUS}/api/v1/query?{urlencode({'query': text})}", timeout=10)
        found = answer.json()["data"]["result"]
        return {one["metric"].get("arm", ""): float(one["value"][1]) for one in found}


def load(
    workload: str = MODEL, body: Any = None, *, clients: int = 2, pause: float = 0.01
) -> AbstractContextManager[Load]:
    """Send requests for a workload through the gateway all the while."""
    host, path = f"{workload}.{DOMAIN}", f"/v2/models/{workload}/infer"
    return load_at(PORT, host, path, body or row(), clients=clients, pause=pause)


QUIET = ("default", "kube-node-lease", "kube-public", "local-path-storage", "cert-manager")
"""Namespaces in which nothing of interest happens."""


def keep_what_happened(world: World, folder: Path) -> None:
    """Write logs, events and descriptions where a person finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    told = world.tried("get", "namespaces", "--output", "name").stdout.split()
    namespaces = [one.removeprefix("namespace/") for one in told]
    for namespace in (one for one in namespaces if one not in QUIET):
        words = ("--namespace", namespace)
        for what, command in {
            "pods": ("get", "pods", "--output", "wide"),
            "events": ("get", "events", "--sort-by", ".lastTimestamp"),
            "descriptions": ("describe", "pods"),
        }.items():
            (folder / f"{namespace}-{what}.txt").write_text(world.tried(*command, *words).stdout)
        names = world.tried("get", "pods", *words, "--output", "name").stdout.split()
        for name in names:
            said = world.tried("logs", *words, name, "--all-containers", "--prefix", "--tail=500")
            (folder / f"{namespace}-{name.replace('/', '-')}.log").write_text(said.stdout)
    kinds = "inferenceservices,httproutes,grpcroutes,gateways,envoypatchpolicies"
    described = world.tried("describe", kinds, "--all-namespaces").stdout
    (folder / "objects.txt").write_text(described)
