"""A fault of the module is one line that names place, found, expected and remedy."""

from __future__ import annotations

import numpy as np
import pytest
from samples import NET, sample_frame, write_dataset, write_workload

from millrace.dataset.manifest import LABEL
from millrace.errors import StoreError, TrainingError
from millrace.training import train


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "dataset")


def failure(tmp_path, dataset, model=NET, **training) -> str:
    workload = write_workload(tmp_path / "w", model, **training)
    with pytest.raises(TrainingError) as raised:
        train(workload, dataset, tmp_path / "out", checkpoint=tmp_path / "kept")
    assert not (tmp_path / "out").exists()
    line = str(raised.value)
    assert "\n" not in line
    return line


def test_a_misspelled_parameter_is_named_with_the_nearest_valid_one(tmp_path, dataset):
    line = failure(tmp_path, dataset, parameters="{widht: 3}")
    assert "workload.yaml: training.parameters: " in line
    assert (
        "takes no parameter 'widht'; expected one of width, dropout; did you mean 'width'?" in line
    )


def test_a_parameter_like_no_other_is_to_be_removed(tmp_path, dataset):
    assert "'zzz'; expected one of width, dropout; remove it" in failure(
        tmp_path, dataset, parameters="{zzz: 3}"
    )


def test_a_missing_parameter_is_named(tmp_path, dataset):
    model = NET.replace("width: int = 4", "width: int")
    assert "needs the parameter 'width'; add it" in failure(tmp_path, dataset, model)


def test_a_constructor_that_raises_is_quoted_with_its_line(tmp_path, dataset):
    line = failure(tmp_path, dataset, parameters="{width: -1}")
    assert "w/model.py:12: the constructor raised RuntimeError" in line
    assert "check training.parameters" in line


def test_a_forward_that_raises_is_quoted_with_its_line(tmp_path, dataset):
    model = NET.replace("inputs.numbers + 2", "inputs.numbers + 3")
    line = failure(tmp_path, dataset, model)
    assert "w/model.py:18: forward raised RuntimeError: mat1 and mat2 shapes" in line


def test_a_forward_with_another_signature_is_quoted(tmp_path, dataset):
    model = NET.replace(", categories: Tensor)", ")")
    assert "w/model.py: Net: forward raised TypeError" in failure(tmp_path, dataset, model)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("self.out(hidden)", "found float32 [3, 1]; expected float32 [3]"),
        ("self.out(hidden).squeeze()", "found float32 []; expected float32 [1]"),
        ("self.out(hidden).squeeze(1).double()", "found float64 [3]; expected float32 [3]"),
        ("(self.out(hidden), hidden)", "found tuple; expected float32 [3]"),
    ],
)
def test_a_wrong_answer_is_told_with_both_shapes(tmp_path, dataset, answer, found):
    model = NET.replace("self.out(self.dropout(hidden)).squeeze(1)", answer)
    assert found in failure(tmp_path, dataset, model)


def test_an_answer_without_a_weight_is_an_error(tmp_path, dataset):
    model = NET.replace("self.out(self.dropout(hidden)).squeeze(1)", "numbers[:, 0]")
    assert "depends on no weight" in failure(tmp_path, dataset, model)


@pytest.mark.parametrize("model", ["class Net:\n    pass\n", "def Net(inputs):\n    pass\n"])
def test_what_is_no_torch_module_is_an_error(tmp_path, dataset, model):
    line = failure(tmp_path, dataset, model)
    assert "w/model.py: Net: is no torch module" in line
    assert "expected a class derived from torch.nn.Module" in line


def test_a_diverging_training_says_where_and_at_which_rate(tmp_path, dataset):
    line = failure(tmp_path, dataset, learning_rate="1.0e+30")
    assert "training diverged: the loss became" in line
    assert "in epoch 1, batch 2" in line
    assert "learning rate of 1e+30; lower training.learning_rate" in line


def test_weights_that_diverge_with_the_last_step_are_noticed(tmp_path, dataset):
    line = failure(tmp_path, dataset, learning_rate="3.0e+37", batch_size=1000, epochs=1)
    assert "the weight '" in line
    assert "in epoch 1, after batch 1" in line


def test_a_step_that_the_optimizer_cannot_take_is_told(tmp_path, dataset):
    line = failure(tmp_path, dataset, learning_rate="1.0e+39")
    assert "AdamW cannot take the step of epoch 1, batch 1: RuntimeError: value cannot" in line
    model = NET.replace("(c, 2)", "(c, 2, sparse=True)")
    assert "use dense gradients" in failure(tmp_path, dataset, model)


def test_a_module_that_fails_only_in_training_is_quoted_with_its_line(tmp_path, dataset):
    model = NET.replace(
        "embedded =", "assert not self.training, 'only in training'\n        embedded ="
    )
    assert "w/model.py:17: training it raised AssertionError: only in training" in failure(
        tmp_path, dataset, model
    )


@pytest.mark.parametrize(("part", "rows"), [("validation", (50, 0, 5)), ("train", (0, 5, 5))])
def test_an_empty_part_is_an_error(tmp_path, part, rows):
    line = failure(tmp_path, write_dataset(tmp_path / "dataset", rows=rows))
    assert f"the {part} part is empty; found {rows[0]} rows of train" in line
    assert "change split in" in line


@pytest.mark.parametrize("label", [0, 1])
def test_a_training_part_of_one_class_is_an_error(tmp_path, label):
    frame = sample_frame(20)
    one = frame.assign(**{LABEL: np.float32(label)})
    line = failure(tmp_path, write_dataset(tmp_path / "dataset", frames=[one, frame, frame]))
    assert f"one class of 'left' only; found {20 * label} of 20 rows positive" in line


def test_a_place_that_cannot_be_written_is_told(tmp_path, dataset):
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="cannot be written"):
        train(
            write_workload(tmp_path / "w"), dataset, tmp_path / "out", checkpoint=tmp_path / "kept"
        )
