"""A home with bundles and releases, the real `millrace up` on it, requests through its gateway."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from millrace.deploy import open_repository
from millrace.release.documents import ArmRef, Canary, Release
from millrace.release.layout import site_of
from millrace.release.writing import write_release
from millrace.settings import Settings
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving
from serving.local.state import ArmState, PlatformState, read_state
from tests.integration.loads import Load, load_at
from tests.integration.predictors import MODEL, Answer, ServedBundle, free_ports, row, wait_for

HOST = f"{MODEL}.millrace.localhost"
INFER = f"/v2/models/{MODEL}/infer"


@dataclass
class Home:
    """The home of a platform, and what stands in its deploy repository."""

    folder: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.folder, gateway_port=self.port)

    @property
    def said(self) -> str:
        """Return all that `up` has printed."""
        return "".join(file.read_text() for file in sorted(self.folder.glob("up-*.txt")))

    def log(self, name: str) -> str:
        return (self.settings.platform_folder / "logs" / name).read_text()

    def publish(self, bundle: ServedBundle) -> Path:
        """Put a bundle into the store, and return where it lies."""
        place = self.settings.store_folder / "bundles" / "sha256" / bundle.digest
        if not place.exists():
            shutil.copytree(bundle.folder, place)
        return place

    def release(
        self,
        bundle: ServedBundle,
        weights: Mapping[int, int],
        *,
        others: Mapping[int, ServedBundle] | None = None,
        serving: Serving | None = None,
        edit: Callable[[str, str], str] = lambda _path, text: text,
    ) -> str:
        """Commit a release: percent of the requests by version; `edit` changes each file's text."""
        bundles = {version: (others or {}).get(version, bundle) for version in weights}
        for one in bundles.values():
            self.publish(one)
        refs = [
            ArmRef(version=v, digest=one.digest, name=f"{MODEL}-v{v}") for v, one in bundles.items()
        ]
        release = Release(
            workload=MODEL,
            stable=refs[0],
            canary=Canary(**refs[1].model_dump()) if len(refs) > 1 else None,
            weights={f"{MODEL}-v{version}": weight for version, weight in weights.items()},
            serving=serving or Serving(),
            rollout=Rollout(),
        )
        files = {
            path: edit(path, content.decode()).encode()
            for path, content in write_release(release, site_of(self.settings)).items()
            if content is not None
        }
        return self.commit(files)

    def commit(self, files: Mapping[str, bytes], folder: str = MODEL) -> str:
        """Make a folder of the deploy repository hold these files and no others."""
        repository = open_repository(self.settings)
        head = repository.head()
        gone: dict[str, bytes | None] = dict.fromkeys(repository.files(head, folder))
        return repository.commit(head, {**gone, **files}, "change what serves")

    def up(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `millrace up`, without waiting for it."""
        with (self.folder / f"up-{len(self.processes)}.txt").open("w") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli", "up", "--port", str(self.port), *arguments],
                env=self.environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.processes.append(process)
        return process

    def millrace(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name[:9] != "MILLRACE_"},
            "MILLRACE_HOME": str(self.folder),
            "NO_COLOR": "1",
        }

    def state(self) -> PlatformState:
        found = read_state(self.settings)
        assert found is not None
        return found

    def arm(self, version: int) -> ArmState | None:
        state = read_state(self.settings)
        return state.arm(f"{MODEL}-v{version}") if state else None

    def wait_until_applied(self, commit: str) -> None:
        def applied() -> bool:
            state = read_state(self.settings)
            return state is not None and state.applied == commit

        try:
            wait_for(applied, "the commit is applied")
        except AssertionError:
            raise AssertionError(self.said + str(read_state(self.settings))) from None

    def wait_until_said(self, text: str) -> None:
        wait_for(lambda: text in self.said, f"it says {text!r}")

    def ask(
        self, path: str = INFER, body: Any = None, *, host: str = HOST, method: str = ""
    ) -> Answer:
        """Send one request through the gateway; without a body, an inference for that path."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            content = json.dumps(body or row()) if path == INFER or body else None
            connection.request(
                method or ("POST" if content else "GET"), path, content, {"host": host}
            )
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def children(self) -> list[psutil.Process]:
        """Return the processes that the running platform has started."""
        return psutil.Process(self.state().pid).children(recursive=True)


@contextmanager
def a_home(folder: Path) -> Iterator[Home]:
    """Lend a home; whatever runs in it afterwards is ended."""
    folder.mkdir(parents=True, exist_ok=True)
    home = Home(folder)
    try:
        yield home
    finally:
        for process in home.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        home.millrace("down")


def load(home: Home, clients: int = 4, pause: float = 0.005) -> AbstractContextManager[Load]:
    """Send requests through a home's gateway all the while."""
    return load_at(home.port, HOST, INFER, row(), clients=clients, pause=pause)


def gone(processes: list[psutil.Process]) -> bool:
    """Return whether none of some processes runs any more."""
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)
