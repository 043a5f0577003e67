import pandas as pd
import pytest

from millrace.errors import EvaluationError, MillraceError
from millrace.evaluation.held_out import read_rows


def change(folder, part, how):
    file = folder / f"{part}.parquet"
    how(pd.read_parquet(file)).to_parquet(file)


def test_parts_are_read_one_after_the_other(make):
    frame = make.rows()
    folder = make.dataset(frame)
    train, validation, test = (read_rows(folder, p) for p in ("train", "validation", "test"))
    both = read_rows(folder, "train", "validation")
    assert len(both) == len(train) + len(validation) == len(frame) - len(test)
    assert both.frame["customer"].tolist()[: len(train)] == train.frame["customer"].tolist()
    assert both.labels.sum() + test.labels.sum() == frame["__label__"].sum()


def test_an_empty_part_is_refused(make):
    folder = make.dataset()
    change(folder, "test", lambda frame: frame.head(0))
    with pytest.raises(EvaluationError, match=r"test\.parquet: there are no rows"):
        read_rows(folder, "test")


@pytest.mark.parametrize(("label", "kind"), [(0.0, "negative"), (1.0, "positive")])
def test_one_class_alone_is_refused(make, label, kind):
    folder = make.dataset()
    change(folder, "test", lambda frame: frame.assign(__label__=label))
    with pytest.raises(EvaluationError, match=rf"found \d+ rows, all {kind}; .* 'Yes'"):
        read_rows(folder, "test")


@pytest.mark.parametrize("label", [0.5, None])
def test_a_label_that_is_neither_0_nor_1_is_refused(make, label):
    folder = make.dataset()

    def broken(frame):
        frame.loc[3, "__label__"] = label
        return frame

    change(folder, "test", broken)
    with pytest.raises(EvaluationError, match="__label__ is neither 0 nor 1"):
        read_rows(folder, "test")


@pytest.mark.parametrize("column", ["age", "__label__", "__slice__region"])
def test_a_missing_column_is_named(make, column):
    folder = make.dataset()
    change(folder, "test", lambda frame: frame.drop(columns=column))
    with pytest.raises(EvaluationError, match=f"column '{column}' is missing"):
        read_rows(folder, "test")


@pytest.mark.parametrize("content", [b"no parquet", b"", None])
def test_a_file_that_cannot_be_read_is_told_by_its_path(make, content):
    file = make.dataset() / "test.parquet"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EvaluationError, match=r"test\.parquet: cannot be read"):
        read_rows(file.parent, "test")


def test_a_folder_that_is_no_dataset_is_refused(tmp_path):
    with pytest.raises(MillraceError, match="DatasetManifest document is missing"):
        read_rows(tmp_path, "test")
