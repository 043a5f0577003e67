import numpy as np
import pytest

from millrace.dataset.manifest import Feature, SplitRule
from millrace.errors import MillraceError
from millrace.evaluation.champion import counts, score_champion
from millrace.evaluation.held_out import read_rows
from millrace.evaluation.task import BINARY as TASK
from millrace.export.manifest import ScoreBins

WAY_OUT = "compare with no champion once: --champion none"


@pytest.fixture
def rows(make):
    return read_rows(make.dataset(), "test")


def test_a_champion_of_the_same_split_may_be_measured_on_every_row(make, rows):
    champion = score_champion(make.bundle(), rows, TASK)
    assert champion.answers[:, 0] == pytest.approx(make.truth.answer(rows.frame), abs=1e-6)
    assert champion.fair.tolist() == list(range(len(rows)))


def test_rows_that_the_champion_trained_on_are_left_out(make, rows):
    smaller = SplitRule(by="hash", test=0.2, validation=0.1)
    champion = score_champion(make.bundle(split=smaller), rows, TASK)
    assert len(champion.answers) == len(rows)
    assert len(champion.fair) == pytest.approx(0.4 * len(rows), rel=0.15)


def test_a_champion_that_trained_on_all_rows_cannot_be_compared(make, rows):
    until = SplitRule(by="time", test=1.0, validation=1.0, train_until="2024-01-01T00:00:00+00:00")
    with pytest.raises(MillraceError, match="had trained on the held-out rows; found 0 of") as told:
        score_champion(make.bundle(split=until), rows, TASK)
    assert "run as of a time long enough after its training" in told.value.remedy
    assert told.value.remedy.endswith(WAY_OUT)


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        (Feature(name="mood", view="survey", kind="number"), "number 'mood'.* view 'survey'"),
        (Feature(name="mood", view="", kind="category"), "category 'mood' that requests bring, w"),
        (Feature(name="age", view="profile", kind="category"), "category 'age'.*found it as a num"),
    ],
)
def test_a_feature_that_the_rows_do_not_have_is_named(make, rows, feature, told):
    with pytest.raises(MillraceError, match=f"the champion needs the {told}.*{WAY_OUT}"):
        score_champion(make.bundle(inputs=[feature]), rows, TASK)


def test_a_bundle_without_card_or_model_is_told(make, rows):
    bundle = make.bundle()
    (bundle / "model.onnx").write_bytes(b"torn")
    with pytest.raises(MillraceError, match="cannot load the model"):
        score_champion(bundle, rows, TASK)
    (bundle / "card.json").unlink()
    with pytest.raises(MillraceError, match="the Card document is missing"):
        score_champion(bundle, rows, TASK)


def test_rows_without_the_champions_join_key_cannot_be_told_apart(make, rows):
    rows.frame.drop(columns="customer", inplace=True)
    with pytest.raises(MillraceError, match="without the join key 'customer'"):
        score_champion(make.bundle(), rows, TASK)


def test_a_score_on_an_edge_counts_in_the_bin_above():
    bins = ScoreBins(edges=[0.2, 0.5], counts=[])
    assert counts(np.array([0.0, 0.2, 0.49, 0.5, 1.0]), bins) == [1, 2, 2]
    assert counts(np.array([0.1]), bins) == [1, 0, 0]
