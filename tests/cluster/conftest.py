"""One platform for all tests here, made by `make kind-up`; what failed leaves its logs behind."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from millrace.errors import MillraceError
from millrace.workload.serving import Serving
from tests.cluster.cluster_world import ARMS, World, keep_what_happened, wait_for
from tests.cluster.numbers import FILE, note, numbers
from tests.integration.predictors import MODEL, ServedBundle, make_bundle
from tools.kind.cluster import open_cluster

HERE = Path(__file__).parent
LOGS = Path("build/cluster-logs")
CI = os.environ.get("CI") == "true"
ORDER = (
    "test_images",
    "test_manifests",
    "test_kind_up",
    "test_answers",
    "test_storage",
    "test_events",
    "test_canary",
    "test_faults",
    "test_tenants",
    "test_rights",
    "test_helm",
    "test_uninstall",
)
"""From what needs nothing to what leaves nothing."""
MADE: list[World] = []
"""The platform, once there is one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark and order the tests of this folder; pytest hands over those of all others, too."""

    def place(item: pytest.Item) -> int:
        name = item.path.stem
        return ORDER.index(name) if name in ORDER else len(ORDER)

    ours = sorted((item for item in items if HERE in item.path.parents), key=place)
    items[:] = [*(item for item in items if HERE not in item.path.parents), *ours]
    for item in ours:
        item.add_marker(pytest.mark.cluster)
        item.add_marker(pytest.mark.timeout(1800))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.failed and MADE:
        keep_what_happened(MADE[0], LOGS / item.name.replace("/", "-")[:80])
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if MADE:
        terminalreporter.section("measured on the cluster")
        for name, value in numbers().items():
            terminalreporter.write_line(f"{name}: {value}")


def tool(command: str) -> subprocess.CompletedProcess[str]:
    """Run `make kind-up` and its like as make does."""
    return subprocess.run(
        [sys.executable, "-m", "tools.kind", command], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Have docker, kubectl and Helm as the cluster has them, if there can be one."""
    with suppress(MillraceError):
        os.environ.update(open_cluster().shell.environment)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Lend the platform, fresh in CI; elsewhere one that is there is used, and left."""
    try:
        cluster = open_cluster()
        there = (
            "control-plane"
            in subprocess.run(
                ["kind", "get", "nodes", "--name", "millrace"],
                env=cluster.shell.environment,
                capture_output=True,
                text=True,
                check=False,
            ).stdout
        )
    except MillraceError as error:
        if CI:
            pytest.fail(f"no cluster can be made: {error}")
        pytest.skip(f"no cluster can be made: {error}")
    shutil.rmtree(LOGS, ignore_errors=True)
    FILE.unlink(missing_ok=True)
    if there and CI:
        assert tool("down").returncode == 0
        there = False
    began = time.monotonic()
    done = tool("up")
    sys.stdout.write(done.stdout)
    if done.returncode:
        keep_what_happened_without_a_platform()
    assert done.returncode == 0, done.stdout + done.stderr
    found = World()
    MADE.append(found)
    how = "from nothing, images built" if not there else "with everything there"
    note(f"make kind-up, {how} (s)", round(time.monotonic() - began))
    yield found
    if not there and not os.environ.get("KEEP_CLUSTER"):
        assert tool("down").returncode == 0


def keep_what_happened_without_a_platform() -> None:
    bare = World.__new__(World)
    bare.cluster = open_cluster()
    keep_what_happened(bare, LOGS / "kind-up")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "sound")


@pytest.fixture(scope="session")
def pumps(world: World, bundle: ServedBundle) -> World:
    """Lend the platform with a second workload beside churn, of two pods."""
    world.release(bundle, serving=Serving(replicas=2, maxReplicas=3, scaleTarget=90))
    world.wait_until_ready(f"{MODEL}-v1", ARMS)
    wait_for(lambda: world.ask().headers.get("x-model-version") == "1", "the gateway follows")
    return world
