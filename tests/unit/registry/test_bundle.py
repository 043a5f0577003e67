import json
from pathlib import Path

import pytest

from millrace.digests import digest_of_file
from millrace.errors import ExportError, MillraceError, StoreError
from millrace.registry import read_card
from millrace.registry.card import BundleManifest
from millrace.workload import load_workload


def test_the_manifest_names_every_other_file_and_its_digest_names_the_bundle(made):
    bundle = made.bundle()
    files = {path.name for path in bundle.folder.iterdir()}
    assert files == {
        "manifest.json",
        "model.onnx",
        "card.json",
        "reference.parquet",
        "lookup.json",
    }
    manifest = BundleManifest.read(bundle.folder / "manifest.json")
    assert manifest.files == {
        name: digest_of_file(bundle.folder / name) for name in files - {"manifest.json"}
    }
    assert bundle.digest == digest_of_file(bundle.folder / "manifest.json")


def test_the_same_inputs_in_two_folders_give_the_same_digest(make):
    assert make("one").bundle().digest == make("another").bundle("elsewhere").digest


def test_a_slower_machine_gives_the_same_digest(make):
    one, other = make("one"), make("other")
    slow = other.evaluation.model_copy(update={"latency": {"p50": 0.001, "p99": 0.004}})
    results = [
        result.model_copy(update={"evidence": "4 ms", "value": 0.004})
        if "latency" in result.gate
        else result
        for result in other.verdict.results
    ]
    verdict = other.verdict.model_copy(update={"results": results})
    assert one.bundle().digest == other.but(evaluation=slow, verdict=verdict).bundle().digest


def test_the_gates_measured_latency_does_not_get_into_the_card(made):
    from millrace.gates import judge

    file = made.workload.file
    file.write_text(file.read_text() + "  gates: [{latency: 5ms}]\n")
    verdict = judge(load_workload(made.root), made.evaluation)
    gate = next(r for r in made.but(verdict=verdict).bundle().card.gates if r.limit == 0.005)
    assert gate.outcome == "pass"
    assert gate.value is None
    assert gate.evidence == "measured in the run"


@pytest.mark.parametrize(
    "change",
    [
        {"lineage": {"snapshot": "6" * 64}},
        {"lineage": {"champion": "7" * 64}},
        {"dataset": {"join_keys": ["pump", "site"]}},
    ],
)
def test_other_inputs_give_another_digest(make, change):
    other = make("other")
    for name, update in change.items():
        other = other.but(**{name: getattr(other, name).model_copy(update=update)})
    assert other.bundle().digest != make("one").bundle().digest


def test_the_card_can_be_read_back(made):
    bundle = made.bundle()
    assert read_card(bundle.folder) == bundle.card
    assert bundle.card.training["parameters"] == {"width": 8}
    assert bundle.card.metrics["roc_auc"].value == 0.8


def test_scores_are_counted_in_the_champions_bins(make):
    champion = make("champion").bundle().card
    challenger = make("challenger")
    found = challenger.evaluation.model_copy(update={"candidate_bins": [15, 5]})
    card = challenger.but(champion=champion, evaluation=found).bundle().card
    assert card.comparison_bins.edges == champion.bins.edges
    assert card.comparison_bins.counts == [15, 5]


def test_without_a_champion_there_are_no_comparison_bins(made):
    assert made.bundle().card.comparison_bins is None


def test_nothing_of_the_run_or_this_machine_is_in_the_card(made):
    text = (made.bundle().folder / "card.json").read_text()
    assert str(made.root) not in text
    assert set(json.loads(text)["lineage"]) == set(type(made.lineage).model_fields)


@pytest.mark.parametrize("name", ["model.onnx", "reference.parquet", "lookup.json", "export.json"])
def test_an_incomplete_export_is_named_with_the_missing_file(made, name):
    (made.exported / name).unlink()
    with pytest.raises(ExportError, match=rf"has no {name}.*run the export step again"):
        made.bundle()


def test_a_model_that_is_not_the_exported_one_is_refused(made):
    (made.exported / "model.onnx").write_bytes(b"another")
    with pytest.raises(ExportError, match=r"model\.onnx is not the model.*found digest"):
        made.bundle()


def test_a_folder_that_cannot_be_written_is_named(made):
    (made.root / "bundle").write_text("a file where the folder shall be")
    with pytest.raises(StoreError, match=r"bundle cannot be written.*nothing was published"):
        made.bundle()


def test_a_folder_without_a_card_is_named(tmp_path: Path):
    with pytest.raises(MillraceError, match=r"card\.json: the Card document is missing"):
        read_card(tmp_path)
