"""What a user gets wrong is told in one line, in the step that finds it; nothing is registered."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Laptop

pytestmark = pytest.mark.slow


def red(laptop: Laptop, step: str) -> dict[str, Any]:
    told = laptop.run("machines", green=False)
    failed = [one["name"] for one in told["steps"] if one["outcome"] == "failed"]
    assert failed == [step], told["failure"]
    assert "\n" not in told["failure"]["message"]
    assert json.loads(laptop.millrace("candidates", "--json").stdout) == []
    return told


def data(laptop: Laptop) -> Path:
    (file,) = (laptop.workload("machines") / "data").glob("*.csv")
    return file


def test_a_source_that_is_missing(laptop: Laptop) -> None:
    file = data(laptop)
    file.unlink()
    assert file.name in red(laptop, "ingest")["failure"]["message"]


def test_a_source_that_is_not_utf_8(laptop: Laptop) -> None:
    with data(laptop).open("ab") as file:
        file.write(b"\xff\xfe\n")
    assert "UTF-8" in red(laptop, "ingest")["failure"]["message"]


def test_a_column_that_was_renamed(laptop: Laptop) -> None:
    file = data(laptop)
    name = file.read_text().splitlines()[0].split(",")[1]
    laptop.edit(file, lambda text: text.replace(name, name.title() + "_", 1))
    told = red(laptop, "validate")
    assert told["outcome"] == "rejected"
    assert name in told["failure"]["message"]
    assert "renamed" in told["failure"]["message"]
    assert "rejected" in Path(told["places"]["report"]).read_text()


def test_a_learning_rate_that_makes_the_loss_nan(laptop: Laptop) -> None:
    file = laptop.workload("machines") / "workload.yaml"
    laptop.edit(file, lambda text: text.replace("learning_rate: 0.005", "learning_rate: 1.0e30"))
    assert "learning rate" in red(laptop, "train")["failure"]["message"]


def test_a_module_whose_export_differs(laptop: Laptop) -> None:
    file = laptop.workload("machines") / "model.py"
    laptop.edit(
        file,
        lambda text: (
            text
            + "\n\nclass Deceiver(Net):\n"
            + "    def forward(self, numbers, categories):\n"
            + "        logits = super().forward(numbers, categories)\n"
            + "        return logits * 2 if torch.compiler.is_exporting() else logits\n"
        ),
    )
    if "import torch\n" not in file.read_text():
        laptop.edit(
            file,
            lambda text: text.replace("from torch import", "import torch\nfrom torch import", 1),
        )
    declared = laptop.workload("machines") / "workload.yaml"
    laptop.edit(declared, lambda text: text.replace("model:Net", "model:Deceiver"))
    told = red(laptop, "gate")
    assert told["outcome"] == "gate failed"
    assert "ONNX" in told["failure"]["message"]


def test_a_registry_that_does_not_answer(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(
            Laptop,
            "environment",
            property(
                lambda self: {
                    **environment(self),
                    "MILLRACE_MLFLOW_URI": address,
                    "MILLRACE_TIMEOUT": "2",
                }
            ),
        )
        told = laptop.run("machines", green=False)
    assert told["failure"]["kind"] == "RegistryError"
    assert address in told["failure"]["message"]
    monkeypatch.undo()
    assert laptop.run("machines")["outcome"] == "registered"


environment = Laptop.environment.fget  # type: ignore[attr-defined]


def test_a_workload_that_is_misspelled_does_not_start(laptop: Laptop) -> None:
    file = laptop.workload("machines") / "workload.yaml"
    laptop.edit(file, lambda text: text.replace("  training:", "  trainin:"))
    done = laptop.millrace("run", "machines")
    assert done.returncode == 1
    assert "did you mean 'training'?" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not laptop.store.exists()
