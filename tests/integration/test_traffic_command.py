"""`millrace traffic` against the real gateway, with real predictors behind it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.digests import digest_of_file
from millrace.features.lookup import LookupPlan
from millrace.features.offline import write_offline
from millrace.features.tables import TIMESTAMP
from millrace.registry import BundleManifest
from millrace.storage import open_store
from tests.integration.platforms import Home, a_home
from tests.integration.predictors import MODEL, ServedBundle, make_bundle, wait_for

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    """Return a bundle whose reference holds training rows."""
    made = make_bundle(tmp_path_factory.mktemp("bundles") / MODEL)
    reference = pa.table(
        {
            "pressure": pa.array([0.5, float("nan")], pa.float32()),
            "site": ["north", ""],
            "prediction": pa.array([0.5, 0.5], pa.float32()),
        }
    )
    pq.write_table(reference, made.folder / "reference.parquet")
    manifest = made.folder / "manifest.json"
    files = BundleManifest.read(manifest).files
    files = {name: digest_of_file(made.folder / name) for name in files}
    BundleManifest(workload=MODEL, files=files).write(manifest)
    return ServedBundle(made.folder, digest_of_file(manifest))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, bundle: ServedBundle) -> Iterator[Home]:
    with a_home(tmp_path_factory.mktemp("platform")) as made:
        (view,) = LookupPlan.read(bundle.folder / "lookup.json").views
        table = pa.table(
            {
                "pump": ["p1", "p2"],
                "event_timestamp": pa.array([datetime.now(UTC)] * 2, TIMESTAMP),
                "pressure": [1.0, 2.0],
                "site": ["north", "south"],
            }
        )
        write_offline(open_store(made.settings), MODEL, view, table)
        commit = made.release(bundle, {1: 100, 2: 0})
        made.up()
        made.wait_until_applied(commit)
        yield made


def traffic(home: Home, *options: str) -> subprocess.Popen[str]:
    environment = {**home.environment, "MILLRACE_GATEWAY_PORT": str(home.port)}
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "traffic", MODEL, *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 0, complained
    report: dict[str, Any] = json.loads(said)
    return report


def test_no_request_of_any_protocol_is_lost_while_weights_change(
    home: Home, bundle: ServedBundle
) -> None:
    sending = traffic(
        home, "--rate", "80", "--for", "4s", "--json", "--batch", "5", "--batch-share", "0.2"
    )
    for weight in (50, 100, 0, 50):
        home.wait_until_applied(home.release(bundle, {1: 100 - weight, 2: weight}))
    report = ended(sending)
    assert report["lost"] == report["unsent"] == 0
    assert report["answered"].keys() == {"200", "OK"}
    assert sum(report["answered"].values()) == report["sent"] > 100
    assert report["protocols"].keys() == {"v2", "v1", "grpc"}
    assert report["arms"].keys() == {"1", "2"}
    assert report["rows"] > report["sent"]
    assert report["latency"]["p50"] <= report["latency"]["p99"]


def test_without_a_gateway_it_is_told_what_to_do(home: Home) -> None:
    sending = traffic(home, "--url", f"http://{MODEL}.localhost:1")
    _, complained = sending.communicate(timeout=60)
    assert sending.returncode == 1
    assert "nobody answers" in complained
    assert "millrace up" in complained


def test_ctrl_c_ends_the_traffic_and_still_tells_what_became_of_it(home: Home) -> None:
    log = home.folder / "traffic.txt"
    with log.open("w") as out:
        sending = subprocess.Popen(
            [sys.executable, "-m", "cli", "traffic", MODEL, "--rate", "50", "--for", "10m"],
            env={
                **home.environment,
                "MILLRACE_GATEWAY_PORT": str(home.port),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=out,
        )
    wait_for(lambda: "sent to" in log.read_text(), "it tells how it goes")
    sending.send_signal(signal.SIGINT)
    assert sending.wait(30) == 0
    assert "p99 ms" in log.read_text()


def test_a_workload_that_is_not_served_is_told_with_what_to_do(home: Home) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "traffic", "nobody", "--for", "1s"],
        env={**home.environment, "MILLRACE_GATEWAY_PORT": str(home.port)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "the model 'nobody' is not served here; found status 404" in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--rate", "0"], "--rate: cannot be; found 0"),
        (["--for", "60"], "--for: is no duration; found '60'"),
        (["--batch-share", "2"], "--batch-share: is no share; found 2"),
        (["--url", "ftp://x"], "--url: is no address of a gateway; found 'ftp://x'"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(home: Home, options: list[str], told: str) -> None:
    done = traffic(home, *options)
    _, complained = done.communicate(timeout=60)
    assert done.returncode == 1
    assert told in complained
    assert len(complained.splitlines()) == 1
