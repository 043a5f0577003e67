"""`millrace up` and `millrace down`: one a home, nothing left behind, faults told in one line."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.deploy import open_repository
from millrace.digests import digest_of_file
from millrace.registry import BundleManifest
from serving.local.children import Book, Identity
from serving.local.instance import running
from serving.local.state import read_state
from serving.metrics.log import metrics_log
from tests.integration.platforms import HOST, MODEL, Home, a_home, gone
from tests.integration.predictors import ServedBundle, make_bundle, row, wait_for

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "pumps")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with a_home(tmp_path / "home") as made:
        yield made


def started(home: Home, bundle: ServedBundle) -> list[psutil.Process]:
    """Start a platform that serves a bundle, and return all its processes."""
    commit = home.release(bundle, {1: 100})
    home.up()
    home.wait_until_applied(commit)
    names = [process.name for process in home.state().processes]
    assert names == ["gateway", "rollout controller"]
    wait_for(lambda: len(home.children()) == 3, "gateway, controller and predictor run")
    return [*home.children(), psutil.Process(home.state().pid)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_everything_in_order(
    home: Home, bundle: ServedBundle, number: signal.Signals
) -> None:
    everything = started(home, bundle)
    home.processes[0].send_signal(number)
    assert home.processes[0].wait(30) == 0
    assert gone(everything)
    assert "the platform is down" in home.said
    assert not (home.settings.platform_folder / "state.json").exists()


def test_the_deploy_repository_is_packed_once_it_is_up(home: Home) -> None:
    head = open_repository(home.settings).head()
    packed = home.folder / "deploy.git" / "packed-refs"
    assert not packed.exists()
    home.up()
    wait_for(packed.exists, "it is packed")
    assert open_repository(home.settings).head() == head


def test_a_terminal_that_is_closed_ends_everything_in_order(home: Home) -> None:
    screen, terminal = os.openpty()
    command = [sys.executable, "-m", "cli", "up", "--port", str(home.port)]
    process = subprocess.Popen(
        command, env=home.environment, stdin=terminal, stdout=terminal, stderr=terminal
    )
    wait_for(lambda: b"listens" in os.read(screen, 4096), "it is up")
    everything = home.children()
    os.close(terminal)
    os.close(screen)
    process.send_signal(signal.SIGHUP)  # as the kernel does for whose terminal it is
    assert process.wait(30) == 0
    assert gone(everything)


def test_a_full_disk_of_logs_does_not_end_it(home: Home) -> None:
    command = [sys.executable, "-m", "cli", "up", "--port", str(home.port)]
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(command, env=home.environment, stdout=full, stderr=full)
    try:
        wait_for(lambda: read_state(home.settings) is not None, "it is up")
        assert home.ask().status == 404
    finally:
        process.terminate()
        process.wait(30)


def test_down_ends_a_platform_of_another_terminal_and_waits(
    home: Home, bundle: ServedBundle
) -> None:
    everything = started(home, bundle)
    done = home.millrace("down")
    assert (done.returncode, done.stdout) == (0, "the platform is down\n")
    assert home.processes[0].wait(1) == 0
    assert gone(everything)
    assert home.millrace("down").stdout == "no platform runs here\n"


def test_after_kill_9_no_process_stays_and_the_next_up_serves(
    home: Home, bundle: ServedBundle
) -> None:
    everything = started(home, bundle)
    home.processes[0].kill()
    home.processes[0].wait(5)
    wait_for(lambda: gone(everything), "its children end by themselves")
    assert started(home, bundle)
    assert home.ask().status == 200


def test_what_a_killed_platform_left_is_ended_by_down(home: Home, bundle: ServedBundle) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    process = subprocess.Popen(command, start_new_session=True)
    wait_for(lambda: psutil.Process(process.pid).cmdline() == command, "it runs")
    identity = Identity(
        pid=process.pid, started=psutil.Process(process.pid).create_time(), command=command
    )
    home.settings.platform_folder.mkdir(parents=True)
    Book(home.settings.platform_folder / "processes.json").enter(identity)
    assert "ended 1 process" in home.millrace("down").stdout
    assert process.wait(5) == -signal.SIGKILL


def test_a_second_platform_in_a_home_is_refused(home: Home, bundle: ServedBundle) -> None:
    started(home, bundle)
    second = home.millrace("up", "--port", "1")
    assert second.returncode == 1
    assert "a platform runs here already" in second.stderr
    assert str(home.processes[0].pid) in second.stderr
    assert home.millrace("up", "--detach").returncode == 1
    assert home.ask().status == 200


@pytest.mark.parametrize("how", [(), ("--detach",)], ids=["here", "detached"])
def test_a_port_in_use_is_told_in_one_line(home: Home, how: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = home.millrace("up", "--port", str(port), *how)
    assert done.returncode == 1
    assert "the gateway's port is in use" in done.stderr
    assert "--port PORT" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"millrace: 127.0.0.1:{port}: ") or not how
    assert done.stderr.count("millrace: ") == 1


def test_detached_it_outlives_the_command_until_down(home: Home, tmp_path: Path) -> None:
    home.release(askable(tmp_path / "bundle"), {1: 100})
    done = home.millrace("up", "--detach", "--port", str(home.port))
    assert done.returncode == 0, done.stderr
    assert home.ask().status == 200  # without another wait
    assert f"{MODEL} answers at http://{HOST}:{home.port}\n" in done.stdout
    assert home.ask(body=example_in(done.stdout, home)).status == 200
    everything = [*home.children(), psutil.Process(home.state().pid)]
    assert home.millrace("down").returncode == 0
    assert gone(everything)


def test_who_gives_up_waiting_for_a_detached_platform_leaves_none(
    home: Home, bundle: ServedBundle
) -> None:
    home.release(bundle, {1: 100})
    command = home.up("--detach")
    caller = psutil.Process(command.pid)
    wait_for(caller.children, "the platform starts")
    everything = caller.children(recursive=True)
    command.send_signal(signal.SIGINT)
    assert command.wait(30) == 130
    wait_for(lambda: gone(everything) and running(home.settings) is None, "nothing runs")


def test_detached_it_says_which_arms_do_not_answer_and_what_is_wrong(
    home: Home, bundle: ServedBundle
) -> None:
    home.release(bundle, {1: 100})
    shutil.rmtree(home.settings.store_folder / "bundles")
    home.commit({"broken/kustomization.yaml": b"["}, folder="broken")
    done = home.millrace("up", "--detach", "--port", str(home.port))
    assert done.returncode == 0, done.stderr
    assert f"{MODEL} does not answer yet: {MODEL}-v1 has failed: " in done.stdout
    assert "\n! broken/" in done.stdout


def test_detached_it_says_that_nothing_is_released(home: Home) -> None:
    done = home.millrace("up", "--detach", "--port", str(home.port))
    assert done.returncode == 0, done.stderr
    assert "nothing is released yet" in done.stdout


def test_a_home_that_is_deleted_ends_everything(home: Home, bundle: ServedBundle) -> None:
    everything = started(home, bundle)
    said = home.folder.with_name("said.txt")
    (home.folder / "up-0.txt").rename(said)  # to be read when the home is no more
    home.folder.rename(home.folder.with_name("away"))  # what is written meanwhile keeps no rm busy
    home.folder.mkdir()
    assert home.processes[0].wait(30) == 1
    assert gone(everything)
    assert "ending the platform: " in said.read_text()
    assert "the home was deleted or moved" in said.read_text()
    assert home.millrace("down").stdout == "no platform runs here\n"


def test_an_empty_repository_is_waited_for_and_what_to_do_is_said(home: Home) -> None:
    home.up()
    home.wait_until_said("nothing is released yet")
    assert "millrace run" in home.said
    assert home.ask().status == 404


def test_it_says_how_to_ask_and_that_works(home: Home, tmp_path: Path) -> None:
    started(home, askable(tmp_path / "bundle"))
    home.wait_until_said("ask it: ")
    assert home.ask(body=example_in(home.said, home)).status == 200


def askable(folder: Path) -> ServedBundle:
    """Return a bundle with a reference."""
    plain = make_bundle(folder)
    table = pa.table({"pressure": [0.0], "site": ["north"], "prediction": [0.7]})
    pq.write_table(table, plain.folder / "reference.parquet")
    manifest = plain.folder / "manifest.json"
    found = BundleManifest.read(manifest)
    reference = digest_of_file(plain.folder / "reference.parquet")
    BundleManifest(
        workload=found.workload, files={**found.files, "reference.parquet": reference}
    ).write(manifest)
    return ServedBundle(plain.folder, digest_of_file(manifest))


def example_in(said: str, home: Home) -> Any:
    """Return the body of the request that was told."""
    line = next(line for line in said.splitlines() if "ask it: " in line)
    command = shlex.split(line.partition("ask it: ")[2])
    assert command[:2] == ["curl", f"http://{HOST}:{home.port}/v2/models/{MODEL}/infer"]
    body = json.loads(Path(command[-1].removeprefix("@")).read_text())
    assert body["inputs"][0]["data"] == [0.0]
    return body


def test_a_damaged_bundle_fails_its_arm_while_the_stable_one_serves_on(
    home: Home, bundle: ServedBundle, tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "other", slow=1)
    started(home, bundle)
    place = home.publish(other)
    content = (place / "model.onnx").read_bytes()
    (place / "model.onnx").write_bytes(b"damaged")
    commit = home.release(bundle, {1: 50, 2: 50}, others={2: other})
    home.wait_until_said("a file of the bundle is damaged")

    def failed() -> bool:
        arm = home.arm(2)
        return arm is not None and arm.phase == "failed"

    wait_for(failed, "the state tells of it too")
    route = home.state().route(MODEL)
    assert route is not None
    assert route.weights == {f"{MODEL}-v1": 100}
    assert "damaged" in route.waits_for
    assert home.ask().status == 200
    (place / "model.onnx").write_bytes(content)
    home.wait_until_applied(commit)


def test_a_bundle_that_is_missing_is_told_and_tried_again(home: Home, bundle: ServedBundle) -> None:
    commit = home.release(bundle, {1: 100})
    place = home.settings.store_folder / "bundles" / "sha256" / bundle.digest
    away = place.with_name("away")
    place.rename(away)
    home.up()
    home.wait_until_said("nothing lies there")
    wait_for(lambda: home.state().route(MODEL), "the gateway knows its host")
    assert home.ask().status == 503
    assert "no arm of pumps is ready" in home.ask().json["error"]
    away.rename(place)
    home.wait_until_applied(commit)
    assert home.ask().status == 200


def test_broken_yaml_changes_nothing_and_is_told_once_with_its_line(
    home: Home, bundle: ServedBundle
) -> None:
    started(home, bundle)
    broken = "weight: 100", "weight: ["
    home.release(bundle, {1: 100}, edit=lambda _path, text: text.replace(*broken))
    home.wait_until_said("route.yaml:")
    wait_for(lambda: home.state().faults, "the state tells of it too")
    assert "is not YAML" in home.state().faults[0]
    assert home.ask(body=row()).status == 200
    commit = home.release(bundle, {1: 100})
    home.wait_until_applied(commit)
    home.wait_until_said("mended: pumps")
    assert home.said.count("is not YAML") == 1
    assert home.state().faults == []


def test_a_repository_that_vanishes_for_a_moment_changes_nothing(
    home: Home, bundle: ServedBundle
) -> None:
    everything = started(home, bundle)
    place = home.folder / "deploy.git"
    away = place.with_name("away.git")
    place.rename(away)
    home.wait_until_said("another repository")  # whoever asks for it makes an empty one
    assert home.ask().status == 200
    shutil.rmtree(place)
    away.rename(place)
    home.wait_until_said("mended: the deploy repository")
    home.wait_until_applied(home.release(bundle, {1: 100, 2: 0}))
    assert all(process.is_running() for process in everything)


def test_a_workload_that_goes_from_git_has_no_route_and_no_process(
    home: Home, bundle: ServedBundle
) -> None:
    started(home, bundle)
    home.commit({})
    wait_for(lambda: home.arm(1) is None, "the arm has ended")
    assert home.ask().status == 404


def test_a_killed_gateway_is_started_again_and_counts_as_another(
    home: Home, bundle: ServedBundle
) -> None:
    started(home, bundle)

    def instances() -> set[str]:
        samples = metrics_log(home.settings).samples([f"{MODEL}-v1"], 0, time.time() + 1)
        return {one.instance for one in samples if one.instance.startswith("envoy/")}

    wait_for(instances, "it is in the log")
    pid = home.state().processes[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: home.state().processes[0].restarts == 1, "it is started again")

    def answers() -> bool:
        try:
            return home.ask().status == 200
        except OSError:
            return False

    wait_for(answers, "it answers again")

    wait_for(lambda: len(instances()) == 2, "both are in the log")
    assert "the gateway is started again" in home.said
