"""A laptop to run the real command on: a home of its own, and workloads in a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer

from millrace.settings import load_settings
from millrace.storage import Store, open_store

MILLRACE = str(Path(sys.executable).with_name("millrace"))


@dataclass(frozen=True)
class Laptop:
    """A folder to work in, and the platform's home within it."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / ".millrace"

    @property
    def store(self) -> Path:
        return self.home / "store"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "COLUMNS": "160", "NO_COLOR": "1"}

    def millrace(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            [MILLRACE, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, workload: str, *arguments: str, green: bool = True) -> dict[str, Any]:
        """Run a workload's pipeline and return what it says as JSON."""
        done = self.millrace("run", workload, *arguments, "--json")
        assert (done.returncode == 0) == green, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def workload(self, name: str) -> Path:
        """Return the folder of a workload."""
        return self.folder / "workloads" / name

    def edit(self, file: Path, change: Callable[[str], str]) -> None:
        """Change a file's text; it must become another."""
        before = file.read_text()
        after = change(before)
        assert before != after
        file.write_text(after)


@pytest.fixture(scope="session", autouse=True)
def no_settings() -> None:
    """Forget the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("MILLRACE_")]:
        del os.environ[name]


@pytest.fixture
def bucket_environment() -> Iterator[dict[str, str]]:
    """Return the environment by which a laptop keeps everything in a bucket on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint, name = f"http://{host}:{port}", f"millrace-{uuid4().hex}"
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **credentials)
    client.create_bucket(Bucket=name)
    try:
        yield {
            **{key.upper(): value for key, value in credentials.items()},
            "AWS_DEFAULT_REGION": "us-east-1",
            "MILLRACE_BUCKET": f"s3://{name}",
            "MILLRACE_BUCKET_REMOTE": "true",
            "MILLRACE_S3_ENDPOINT": endpoint,
        }
    finally:
        server.stop()


@pytest.fixture
def bucket(bucket_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the store on that bucket."""
    for name, value in bucket_environment.items():
        monkeypatch.setenv(name, value)
    return open_store(load_settings())


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    """Return a laptop with a small workload of its own, as `millrace init` writes it."""
    made = Laptop(tmp_path)
    done = made.millrace("init", "machines")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def churn_laptop(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """Return a laptop with the churn workload."""
    made = Laptop(tmp_path_factory.mktemp("laptop"))
    shutil.copytree("workloads/churn", made.workload("churn"))
    return made
