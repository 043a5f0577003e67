import sys

import numpy as np
import pandas as pd
import pytest

from millrace.errors import EvaluationError
from millrace.evaluation import budget
from millrace.evaluation.budget import latency, parity
from millrace.evaluation.held_out import read_rows
from millrace.export.manifest import OUTPUT


def answers(folder, values):
    file = folder / "parity.parquet"
    pd.DataFrame({OUTPUT: values}).to_parquet(file)
    return file


def test_the_greatest_difference_is_told_with_its_row(tmp_path):
    file = answers(tmp_path, [0.1, 0.2, 0.3, 0.4])
    assert parity(file, np.array([0.1, 0.2, 0.35, 0.41])) == (pytest.approx(0.05), 2)


@pytest.mark.parametrize("odd", [np.nan, np.inf, None])
def test_an_answer_that_is_no_number_is_as_far_off_as_can_be(tmp_path, odd):
    file = answers(tmp_path, [0.1, odd, 0.9, odd])
    assert parity(file, np.array([0.1, 0.2, 0.3, 0.4])) == (sys.float_info.max, 1)


def test_answers_for_other_rows_are_refused(tmp_path):
    file = answers(tmp_path, [0.1, 0.2])
    with pytest.raises(EvaluationError, match="found 2 rows; expected 3"):
        parity(file, np.zeros(3))


def test_answers_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(EvaluationError, match=r"parity\.parquet: cannot be read"):
        parity(tmp_path / "parity.parquet", np.zeros(3))
    other = tmp_path / "other.parquet"
    pd.DataFrame({"x": [1.0]}).to_parquet(other)
    with pytest.raises(EvaluationError, match=r"other\.parquet: cannot be read"):
        parity(other, np.zeros(1))


@pytest.mark.parametrize("rows", [1, 300])
def test_latency_is_measured_however_few_rows_there_are(make, rows):
    held_out = read_rows(make.dataset(), "test")
    file = make.truth.write(make.folder / "m.onnx")
    found = latency(file, held_out.frame.head(rows), held_out.manifest.features)
    assert sorted(found) == ["p50", "p99"]
    assert 0 < found["p50"] <= found["p99"]


def test_a_slow_model_is_not_measured_for_ever(make, monkeypatch):
    calls = []

    class Slow:
        def __init__(self, session):
            self.get_inputs = session.get_inputs

        def run(self, outputs, feed):
            calls.append(feed)

    held_out = read_rows(make.dataset(), "test")
    file = make.truth.write(make.folder / "m.onnx")
    opened = budget.open_session
    monkeypatch.setattr(budget, "open_session", lambda file: Slow(opened(file)))
    clock = iter(range(10_000))
    monkeypatch.setattr(budget.time, "perf_counter", lambda: float(next(clock)))
    assert latency(file, held_out.frame, held_out.manifest.features) == {"p50": 1.0, "p99": 1.0}
    assert len(calls) < 300
