import subprocess
import sys

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from millrace.dataset.manifest import Feature, SplitRule
from millrace.errors import EvaluationError
from millrace.evaluation import Evaluation, evaluate
from millrace.evaluation.binary import METRICS


def run(make, dataset, exported, champion=None, seed=7):
    return evaluate(
        make.workload(seed),
        dataset,
        exported,
        champion=champion,
        champion_digest="c" * 64 if champion else None,
    )


def timeless(evaluation):
    return evaluation.model_copy(update={"latency": {}})


def test_every_model_is_measured_on_the_same_rows_and_compared(make):
    dataset = make.dataset()
    found = run(make, dataset, make.export(dataset), make.bundle(make.worse()))
    test = pd.read_parquet(dataset / "test.parquet")
    assert (found.rows, found.positives) == (len(test), test["__label__"].sum())
    names = ["candidate", "champion", "logistic_regression", "gradient_boosting"]
    assert [model.name for model in found.models] == names
    assert found.models[0].digest != found.models[1].digest == "c" * 64
    assert all(set(model.metrics) == set(METRICS) for model in found.models)
    pairs = [(c.other, c.metric) for c in found.comparisons]
    assert pairs == [(name, metric) for name in names[1:] for metric in METRICS]

    auc = found.models[0].metrics["roc_auc"]
    assert auc.value == pytest.approx(roc_auc_score(test["__label__"], make.truth.answer(test)))
    assert auc.low < auc.value < auc.high
    assert found.parity < 1e-6
    assert found.model_size > 0
    assert (found.excluded, found.champion_problem) == (0, None)
    assert sum(found.champion_bins) == sum(found.candidate_bins) == len(test)


def test_a_better_candidate_differs_upwards_on_every_metric_that_counts_knowledge(make):
    dataset = make.dataset()
    found = run(make, dataset, make.export(dataset), make.bundle(make.worse()))
    differences = {c.metric: c.difference for c in found.comparisons if c.other == "champion"}
    for metric in ("roc_auc", "pr_auc", "log_loss", "brier"):
        assert differences[metric].low > 0
    ours, theirs = found.models[0].metrics["log_loss"], found.models[1].metrics["log_loss"]
    assert differences["log_loss"].value == pytest.approx(theirs.value - ours.value)


def test_the_same_files_give_the_same_evaluation(make):
    dataset = make.dataset()
    exported, champion = make.export(dataset), make.bundle(make.worse())
    first, again = (run(make, dataset, exported, champion) for _ in range(2))
    other = run(make, dataset, exported, champion, seed=8)
    assert timeless(first) == timeless(again)
    assert first.models[0].metrics["brier"] != other.models[0].metrics["brier"]
    assert first.models[0].metrics["brier"].value == other.models[0].metrics["brier"].value


def test_a_first_candidate_has_baselines_and_no_champion(make):
    dataset = make.dataset()
    found = run(make, dataset, make.export(dataset))
    assert found.model("champion") is None
    assert {c.other for c in found.comparisons} == {"logistic_regression", "gradient_boosting"}
    assert (found.champion_problem, found.champion_bins, found.candidate_bins) == (None, None, None)


def test_a_champion_that_cannot_be_compared_is_a_finding_and_no_fault(make):
    dataset = make.dataset()
    bundle = make.bundle(inputs=[Feature(name="mood", view="survey", kind="number")])
    found = run(make, dataset, make.export(dataset), bundle)
    assert "needs the number 'mood'" in found.champion_problem
    assert found.model("champion") is None


def test_a_champion_is_compared_on_rows_that_it_had_not_trained_on(make):
    dataset = make.dataset()
    champion = make.bundle(split=SplitRule(by="hash", test=0.3, validation=0.1))
    found = run(make, dataset, make.export(dataset), champion)
    assert 0 < found.excluded < found.rows
    assert sum(found.champion_bins) == found.rows - found.excluded
    # The same model: on the same rows there is no difference, on all rows there would be.
    assert {c.difference.value for c in found.comparisons if c.other == "champion"} == {0.0}
    assert found.models[0].metrics["brier"] != found.models[1].metrics["brier"]


def test_slices_are_the_candidate_on_each_group(make):
    frame = make.rows()
    frame.loc[:9, "__slice__region"] = "tiny"
    dataset = make.dataset(frame)
    found = run(make, dataset, make.export(dataset))
    (region,) = found.slices
    assert [group.group for group in region.groups] == ["north", "south"]
    assert region.left_out == ["tiny"]
    test = pd.read_parquet(dataset / "test.parquet")
    north = test[test["__slice__region"] == "north"]
    auc = roc_auc_score(north["__label__"], make.truth.answer(north))
    assert region.groups[0].metrics["roc_auc"].value == pytest.approx(auc)
    assert region.groups[0].rows == len(north)
    values = [group.metrics["roc_auc"].value for group in region.groups]
    assert region.gaps["roc_auc"].value == pytest.approx(abs(values[0] - values[1]))


def test_one_positive_row_is_enough_to_measure(make):
    dataset = make.dataset()
    file = dataset / "test.parquet"
    test = pd.read_parquet(file)
    test["__label__"] = np.float32(0)
    test.loc[4, "__label__"] = 1.0
    test.to_parquet(file)
    found = run(make, dataset, make.export(dataset), make.bundle(make.worse()))
    assert Evaluation.model_validate_json(found.model_dump_json()) == found
    estimates = [e for model in found.models for e in model.metrics.values()]
    estimates += [comparison.difference for comparison in found.comparisons]
    assert np.isfinite([(e.low, e.value, e.high) for e in estimates]).all()


def test_an_answer_that_is_no_probability_is_refused_with_its_row(make, logistic):
    dataset = make.dataset()
    exported = make.export(dataset)
    graph = onnx.load(exported / "model.onnx")
    graph.graph.node[-1].op_type = "Identity"
    onnx.save(graph, exported / "model.onnx")
    with pytest.raises(
        EvaluationError, match=r"row \d+ of test.parquet is not a probability.*age="
    ):
        run(make, dataset, exported)


def test_training_rows_of_one_class_are_refused(make):
    dataset = make.dataset()
    for part in ("train", "validation"):
        file = dataset / f"{part}.parquet"
        pd.read_parquet(file).assign(__label__=0.0).to_parquet(file)
    with pytest.raises(EvaluationError, match=r"train.parquet and .*one class"):
        run(make, dataset, make.export(dataset))


def test_importing_the_documents_imports_nothing_heavy():
    code = (
        "import sys, millrace.registry.card, millrace.gates;"
        "print(*{'pandas', 'sklearn', 'onnxruntime'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""
