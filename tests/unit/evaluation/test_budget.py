import sys

import numpy as np
import pandas as pd
import pytest

from millrace.errors import EvaluationError
from millrace.evaluation import budget
from millrace.evaluation.budget import latency, parity
from millrace.evaluation.held_out import read_rows
from millrace.evaluation.scoring import open_session
from millrace.export.manifest import OUTPUT


def answers(folder, values):
    file = folder / "parity.parquet"
    pd.DataFrame({OUTPUT: values}).to_parquet(file)
    return file


def column(*values):
    return np.array(values)[:, np.newaxis]


def test_the_greatest_difference_is_told_with_its_row(tmp_path):
    file = answers(tmp_path, [0.1, 0.2, 0.3, 0.4])
    assert parity(file, column(0.1, 0.2, 0.35, 0.41)) == (pytest.approx(0.05), 2)


@pytest.mark.parametrize("odd", [np.nan, np.inf, None])
def test_an_answer_that_is_no_number_is_as_far_off_as_can_be(tmp_path, odd):
    file = answers(tmp_path, [0.1, odd, 0.9, odd])
    assert parity(file, column(0.1, 0.2, 0.3, 0.4)) == (sys.float_info.max, 1)


def test_answers_for_other_rows_are_refused(tmp_path):
    file = answers(tmp_path, [0.1, 0.2])
    with pytest.raises(EvaluationError, match="found 2 rows; expected 3"):
        parity(file, np.zeros((3, 1)))


def test_answers_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(EvaluationError, match=r"parity\.parquet: cannot be read"):
        parity(tmp_path / "parity.parquet", np.zeros((3, 1)))
    other = tmp_path / "other.parquet"
    pd.DataFrame({"x": [1.0]}).to_parquet(other)
    with pytest.raises(EvaluationError, match=r"other\.parquet: cannot be read"):
        parity(other, np.zeros((1, 1)))


@pytest.mark.parametrize("rows", [1, 300])
def test_latency_is_measured_however_few_rows_there_are(make, rows):
    held_out = read_rows(make.dataset(), "test")
    file = make.truth.write(make.folder / "m.onnx")
    found = latency(file, held_out.frame.head(rows), held_out.manifest.features)
    assert sorted(found) == ["p50", "p99"]
    assert 0 < found["p50"] <= found["p99"]


class Clocked:
    """A session whose answers take as long as the test says, by a clock of its own."""

    def __init__(self, session, seconds):
        self.get_inputs = session.get_inputs
        self.seconds = seconds
        self.calls = 0
        self.now = 0.0

    def run(self, outputs, feed):
        self.now += self.seconds(self.calls)
        self.calls += 1


@pytest.fixture
def clocked(make, monkeypatch):
    def measure(seconds):
        held_out = read_rows(make.dataset(), "test")
        features = held_out.manifest.features
        file = make.truth.write(make.folder / "m.onnx")
        session = Clocked(open_session(file), seconds)
        monkeypatch.setattr(budget, "open_session", lambda file, outputs: session)
        monkeypatch.setattr(budget.time, "perf_counter", lambda: session.now)
        return latency(file, held_out.frame, features), session.calls

    return measure


def test_a_slow_model_is_not_measured_for_ever(clocked):
    found, calls = clocked(lambda call: 1.0)
    assert found == {"p50": 1.0, "p99": 1.0}
    assert calls < 500


def test_a_busy_neighbour_does_not_make_the_model_slow(clocked):
    busy = range(500, 900)
    found, _ = clocked(lambda call: 0.002 if call in busy else 0.001)
    assert found == {"p50": pytest.approx(0.001), "p99": pytest.approx(0.001)}


def test_a_model_that_is_slow_for_some_rows_is_slow(clocked):
    found, _ = clocked(lambda call: 0.002 if call % 20 == 0 else 0.001)
    assert found == {"p50": pytest.approx(0.001), "p99": pytest.approx(0.002)}
