"""Export a trained model: the graph, and what serving, evaluation and drift need beside it."""

from __future__ import annotations

from pathlib import Path

import onnx
import pyarrow as pa
import pyarrow.parquet as pq

from millrace.dataset.manifest import PARTS, DatasetManifest, Part
from millrace.digests import digest_of_bytes
from millrace.errors import ExportError
from millrace.export.core import OPSET, export_core
from millrace.export.graph import require_other_names, serialized, whole_graph
from millrace.export.manifest import (
    OUTPUT,
    ExportManifest,
    answer_names,
    outputs_for,
)
from millrace.export.reference import as_held, feature_references, sample_of, score_bins
from millrace.export.session import Graph
from millrace.features.lookup import LookupPlan
from millrace.files import write_whole
from millrace.progress import say
from millrace.training.columns import columns_of, read_table
from millrace.training.repeatable import repeatable
from millrace.training.scorer import Scorer, answers_of, load_scorer
from millrace.workload import Workload


def export(workload: Workload, dataset: Path, model: Path, out: Path) -> ExportManifest:
    """Write model.onnx and its companions (see `ExportManifest`) to a folder.

    The same weights, data and workload give the same files, whatever the folders are.

    Args:
        workload: whose module was trained.
        dataset: the folder of the training set.
        model: the folder that training wrote.
        out: the folder to write to; export.json is written last.

    Raises:
        ExportError: the module has no ONNX counterpart, or the graph does not run as it must.
        TrainingError: the weights do not fit the module.
        DatasetError: a part of the training set cannot be read.
        StoreError: the disk does not take the result.
    """
    manifest = DatasetManifest.read(dataset / "manifest.json")
    plan = LookupPlan.read(dataset / "lookup.json")
    _require_test_rows(manifest, workload, dataset)
    features = manifest.features
    tables = {part: read_table(dataset, part) for part in PARTS}
    test = columns_of(tables["test"], features)
    with repeatable(workload.spec.training.threads):
        scorer = load_scorer(workload, model)
        content = onnx_of(scorer, workload)
        from_torch = answers_of(scorer, test)
    graph = Graph.load(content, scorer.preprocessing)
    graph.predict(columns_of(tables["test"].slice(0, 1), features))  # one row, as serving asks
    scores = graph.predict(test)
    onnx.checker.check_model(content, full_check=True)
    say("graph_exported", bytes=len(content))
    sample = sample_of(tables["train"])
    reference = as_held(sample, features)
    held_out = pa.concat_tables([as_held(tables[part], features) for part in _HELD_OUT])
    quantiles = scorer.preprocessing.quantiles
    exported = ExportManifest(
        model=digest_of_bytes(content),
        size=len(content),
        opset=OPSET,
        inputs=features,
        kind=workload.spec.target.kind,
        outputs=outputs_for(quantiles),
        quantiles=quantiles,
        bins=score_bins(scores),
        reference=feature_references(reference, held_out, features),
    )
    with_scores = reference.append_column(
        OUTPUT, pa.array(graph.predict(columns_of(sample, features)))
    )
    parity = pa.table(list(from_torch.T), names=answer_names(quantiles))
    write_whole(out / "model.onnx", content)
    write_whole(out / "reference.parquet", _parquet(with_scores))
    write_whole(out / "parity.parquet", _parquet(parity))
    plan.write(out / "lookup.json")
    exported.write(out / "export.json")
    return exported


def onnx_of(scorer: Scorer, workload: Workload) -> bytes:
    """Return the content of model.onnx for a trained model: named features in, predictions out.

    Raises:
        ExportError: the module has no ONNX counterpart, or a feature is named like the output.
    """
    require_other_names(scorer.preprocessing)
    return serialized(whole_graph(export_core(scorer, workload), scorer.preprocessing))


_HELD_OUT: tuple[Part, Part] = ("validation", "test")


def _require_test_rows(manifest: DatasetManifest, workload: Workload, dataset: Path) -> None:
    if manifest.rows["test"] == 0:
        raise ExportError(
            "the test part is empty, so there are no scores to compare by",
            where=str(dataset),
            remedy=f"change split in {workload.file}, or bring more records",
        )


def _parquet(table: pa.Table) -> bytes:
    content = pa.BufferOutputStream()
    pq.write_table(table, content)
    whole: bytes = content.getvalue().to_pybytes()
    return whole
