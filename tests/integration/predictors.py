"""Small bundles made without training, and real predictor processes that serve them."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from millrace.dataset.manifest import Feature, SplitRule
from millrace.digests import digest_of_file
from millrace.export.manifest import OUTPUT, ScoreBins
from millrace.features.lookup import JoinKey, LookupField, LookupPlan, ViewLookup
from millrace.registry import BundleManifest, Card, Lineage
from serving.local import ports

MODEL = "pumps"
VERSION = "3"
ROOT = Path(__file__).parents[2]
DEADLINE = 60.0


@dataclass(frozen=True)
class ServedBundle:
    """A bundle of a model of two features: `pressure`, a number, and `site`, a category.

    Its prediction is the sigmoid of pressure (0 if it is missing) plus 1 for north, -1 for south
    and 0 for any other site.
    """

    folder: Path
    digest: str


def make_bundle(
    folder: Path, *, slow: int = 0, brought: bool = False, quantiles: bool = False
) -> ServedBundle:
    """Write a bundle.

    Args:
        folder: where to.
        slow: how many times large matrices are multiplied for each row.
        brought: whether no feature view has the site, so only requests know it.
        quantiles: whether it has a second output: the prediction minus, as it is, and plus a tenth.
    """
    folder.mkdir(parents=True)
    onnx.save(_graph(slow, quantiles=quantiles), folder / "model.onnx")
    (folder / "reference.parquet").write_bytes(b"nobody reads this here")
    LookupPlan(
        project=MODEL,
        views=[
            ViewLookup(
                view="pump_state",
                join_keys=[JoinKey(name="pump", type="STRING")],
                fields=[
                    LookupField(name="pressure", type="DOUBLE"),
                    *([] if brought else [LookupField(name="site", type="STRING")]),
                ],
            )
        ],
    ).write(folder / "lookup.json")
    model = digest_of_file(folder / "model.onnx")
    _card(model, "" if brought else "pump_state").write(folder / "card.json")
    files = {file.name: digest_of_file(file) for file in sorted(folder.iterdir())}
    BundleManifest(workload=MODEL, files=files).write(folder / "manifest.json")
    return ServedBundle(folder, digest_of_file(folder / "manifest.json"))


def _card(model: str, site: str) -> Card:
    return Card(
        workload=MODEL,
        model=model,
        lineage=Lineage(
            snapshot="5" * 64,
            as_of="2024-01-01T00:00:00+00:00",
            dataset="d" * 64,
            feature_views=["pump_state"],
            contract="c" * 64,
            code_revision="0" * 64,
            signal="manual",
        ),
        split=SplitRule(by="hash", test=0.2, validation=0.1),
        join_keys=["pump"],
        inputs=[
            Feature(name="pressure", view="pump_state", kind="number"),
            Feature(name="site", view=site, kind="category"),
        ],
        positive="yes",
        training={},
        metrics={},
        gates=[],
        bins=ScoreBins(edges=[0.1, 0.9], counts=[1, 1, 1]),
        comparison_bins=ScoreBins(edges=[0.25, 0.5, 0.75], counts=[1, 1, 1, 1]),
        reference=[],
    )


def _graph(slow: int, *, quantiles: bool) -> Any:
    node = helper.make_node
    nodes = [
        node("IsNaN", ["pressure"], ["missing"]),
        node("Where", ["missing", "zero", "pressure"], ["known"]),
        node(
            "LabelEncoder",
            ["site"],
            ["place"],
            domain="ai.onnx.ml",
            keys_strings=["north", "south"],
            values_floats=[1.0, -1.0],
            default_float=0.0,
        ),
        node("Add", ["known", "place"], ["sum0"]),
    ]
    constants = [numpy_helper.from_array(np.zeros((1, 1), np.float32), "zero")]
    if slow:
        constants.append(numpy_helper.from_array(np.ones((1, 1500), np.float32), "wide"))
        constants.append(numpy_helper.from_array(np.array([1500, 1500], np.int64), "square"))
        nodes.append(node("ConstantOfShape", ["square"], ["weights"]))
        nodes.append(node("MatMul", ["sum0", "wide"], ["spread0"]))
        for turn in range(slow):
            nodes.append(node("MatMul", [f"spread{turn}", "weights"], [f"spread{turn + 1}"]))
        nodes.append(node("ReduceSum", [f"spread{slow}"], ["nothing"], keepdims=0))
        nodes.append(node("Add", ["sum0", "nothing"], ["sum1"]))
    nodes.append(node("Sigmoid", ["sum1" if slow else "sum0"], [OUTPUT]))
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", 1])]
    if quantiles:
        around = np.array([[-0.1, 0, 0.1]], np.float32)
        constants.append(numpy_helper.from_array(around, "around"))
        nodes.append(node("Add", [OUTPUT, "around"], ["quantiles"]))
        outputs.insert(0, helper.make_tensor_value_info("quantiles", TensorProto.FLOAT, ["n", 3]))
    graph = helper.make_graph(
        nodes,
        "pumps",
        [
            helper.make_tensor_value_info("pressure", TensorProto.FLOAT, ["n", 1]),
            helper.make_tensor_value_info("site", TensorProto.STRING, ["n", 1]),
        ],
        outputs,
        constants,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 4)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def row(pressure: float | None = 0.0, site: str | None = "north") -> dict[str, Any]:
    """Return a v2 request of one row."""
    return {
        "inputs": [
            {"name": "pressure", "datatype": "FP32", "shape": [1, 1], "data": [pressure]},
            {"name": "site", "datatype": "BYTES", "shape": [1, 1], "data": [site]},
        ]
    }


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses now, and that no outgoing connection will take meanwhile."""
    return ports.free_ports(count, set())


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Predictor:
    """A predictor process, and ways to talk to it."""

    process: subprocess.Popen[bytes]
    http: int
    grpc: int
    metrics: int
    log_file: Path
    bundle: ServedBundle = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        port: int | None = None,
    ) -> Answer:
        """Send one request on a connection of its own; a body that is no bytes goes as JSON."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port or self.http}{path}",
            content,
            {"content-type": "application/json", **(headers or {})},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def infer(self, body: Any, **more: Any) -> Answer:
        return self.ask(f"/v2/models/{MODEL}/infer", body, **more)

    def predict(self, *instances: Any) -> Answer:
        return self.ask(f"/v1/models/{MODEL}:predict", {"instances": list(instances)})

    def metric(self, sample: str) -> float:
        """Return the value of a metric's sample, such as `name{label="value"}`; 0 if unseen."""
        page = self.ask("/metrics", port=self.metrics).body.decode()
        for line in page.splitlines():
            if line.startswith(f"{sample} "):
                return float(line.split()[-1])
        return 0.0

    def logs(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of an event."""
        lines = [json.loads(line) for line in self.log_file.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, self.log_file.read_text()
            try:
                return self.ask("/v2/health/ready").status == 200
            except OSError:
                return False

        wait_for(ready, "the predictor is ready")

    def stop(self) -> int:
        """End it as Kubernetes does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


def wait_for(condition: Any, what: str, deadline: float = DEADLINE) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"never came true: {what}"
        time.sleep(0.01)


def start_predictor(
    bundle: ServedBundle,
    folder: Path,
    *arguments: str,
    stderr: str = "",
    **environment: str,
) -> Predictor:
    """Start a predictor process, without waiting for it; `stderr` is where its log goes instead."""
    http, grpc, metrics = free_ports(3)
    log = folder / f"predictor-{http}.log"
    log.touch()
    command = [
        *(sys.executable, "-m", "serving.predictor"),
        f"--model-name={MODEL}",
        f"--version={VERSION}",
        f"--model-dir={bundle.folder}",
        f"--digest={bundle.digest}",
        f"--http-port={http}",
        f"--grpc-port={grpc}",
        f"--metrics-port={metrics}",
        "--grace=200ms",
        *arguments,
    ]
    home = {"MILLRACE_HOME": str(folder / "home")}
    with Path(stderr or log).open("wb") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **home, **environment}, stderr=said
        )
    return Predictor(process, http, grpc, metrics, log, bundle)


@contextmanager
def predictor(
    bundle: ServedBundle, folder: Path, *arguments: str, stderr: str = "", **environment: str
) -> Iterator[Predictor]:
    """Run a predictor process while it is needed."""
    running = start_predictor(bundle, folder, *arguments, stderr=stderr, **environment)
    try:
        running.wait_until_ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()
