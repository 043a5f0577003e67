"""Requests while weights and arms change: none is lost, and the split is as declared."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy.stats import binom

from millrace.workload.serving import Serving
from serving.metrics.log import metrics_log
from tests.integration.platforms import Home, a_home, load
from tests.integration.predictors import ServedBundle, make_bundle, wait_for

pytestmark = pytest.mark.xdist_group("platform")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "pumps")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, bundle: ServedBundle) -> Iterator[Home]:
    with a_home(tmp_path_factory.mktemp("platform")) as made:
        commit = made.release(bundle, {1: 100})
        made.up()
        made.wait_until_applied(commit)
        yield made


def test_no_request_is_lost_while_weights_change(home: Home, bundle: ServedBundle) -> None:
    home.wait_until_applied(home.release(bundle, {1: 100, 2: 0}))
    with load(home) as met:
        for weight in (5, 25, 50, 75, 100, 60, 40, 20, 10, 0):
            home.wait_until_applied(home.release(bundle, {1: 100 - weight, 2: weight}))
    assert set(met.statuses) == {200}
    assert set(met.versions) == {"1", "2"}


def test_no_request_is_lost_while_arms_are_replaced(home: Home, bundle: ServedBundle) -> None:
    home.wait_until_applied(home.release(bundle, {1: 100}))
    with load(home) as met:
        for new in (11, 12, 13):
            old = 1 if new == 11 else new - 1
            home.wait_until_applied(home.release(bundle, {old: 100, new: 0}))
            home.wait_until_applied(home.release(bundle, {old: 0, new: 100}))
            home.wait_until_applied(home.release(bundle, {new: 100}))
            wait_for(lambda old=old: home.arm(old) is None, "the old arm has ended")
    assert set(met.statuses) == {200}
    assert met.versions.keys() == {"1", "11", "12", "13"}
    home.wait_until_applied(home.release(bundle, {1: 100}))


def test_no_request_is_lost_while_an_arm_of_the_same_name_becomes_another(
    home: Home, bundle: ServedBundle, tmp_path: Path
) -> None:
    home.wait_until_applied(home.release(bundle, {1: 100}))
    before = home.state().arms[0].replicas[0].pid
    with load(home) as met:

        def lower(path: str, text: str) -> str:
            return text.replace("--latency=50ms", "--latency=70ms")

        home.wait_until_applied(home.release(bundle, {1: 100}, edit=lower))
        wait_for(lambda: home.state().arms[0].latency == 0.07, "the new arm is told of")
    assert set(met.statuses) == {200}
    assert home.state().arms[0].replicas[0].pid != before


def test_requests_are_split_as_declared(home: Home, bundle: ServedBundle) -> None:
    home.wait_until_applied(home.release(bundle, {1: 75, 2: 25}))
    versions = [home.ask().headers["x-model-version"] for _ in range(400)]
    low, high = binom.interval(1 - 1e-6, len(versions), 0.25)
    assert low <= versions.count("2") <= high


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_killed_predictor_costs_no_request_but_counts_as_errors_of_its_arm(
    home: Home, bundle: ServedBundle, replicas: int
) -> None:
    home.wait_until_applied(home.release(bundle, {1: 100}, serving=Serving(replicas=replicas)))
    wait_for(lambda: len(home.state().arms[0].replicas) == replicas, "all replicas are there")
    began = time.time()
    with load(home) as met:
        replica = home.state().arms[0].replicas[0]
        assert replica.pid is not None
        os.kill(replica.pid, signal.SIGKILL)
        wait_for(
            lambda: (
                home.state().arms[0].replicas[0].restarts > replica.restarts
                and home.state().arms[0].ready
            ),
            "it is started again",
        )
    assert set(met.statuses) == {200}

    def errors() -> list[float]:
        samples = metrics_log(home.settings).samples(["pumps-v1"], began - 5, time.time())
        return [one.value for one in samples if one.counter == "errors"]

    wait_for(lambda: errors()[-1] > errors()[0], "the hidden faults are counted")


def test_a_rollback_is_in_force_though_a_replica_of_the_stable_arm_hangs(
    home: Home, bundle: ServedBundle
) -> None:
    two = Serving(replicas=2)
    home.wait_until_applied(home.release(bundle, {1: 50, 2: 50}, serving=two))
    replica = home.state().arms[0].replicas[0]
    assert replica.pid is not None
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        wait_for(lambda: not home.state().arms[0].ready, "it is seen that the replica hangs")
        home.wait_until_applied(home.release(bundle, {1: 100, 2: 0}, serving=two))
        state = home.state()
        assert state.routes[0].weights == {"pumps-v1": 100, "pumps-v2": 0}
        assert not state.arms[0].ready
    finally:
        os.kill(replica.pid, signal.SIGCONT)
