"""The torch part of the graph: from numbers and category indices to predictions."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator

import onnx
import torch

from millrace.errors import ExportError
from millrace.export.manifest import outputs_for
from millrace.training.faults import first_line, innermost_place, module_place
from millrace.training.scorer import Scorer
from millrace.workload import Workload

OPSET = 20
"""Version of the standard ONNX operators; onnxruntime has known it since 1.17."""

NUMBERS, CATEGORIES = "numbers", "categories"
_EXAMPLE_ROWS = 3  # neither 0 nor 1, which torch.export would take for constants


def export_core(scorer: Scorer, workload: Workload) -> onnx.ModelProto:
    """Return the scorer as an ONNX graph.

    Args:
        scorer: a trained model in evaluation mode.
        workload: whose module is in it, for the place of a fault.

    Returns:
        A graph with the inputs NUMBERS, float32 [n, numbers], and CATEGORIES, int64
        [n, categories], and the outputs of `outputs_for`.

    Raises:
        ExportError: something in the module has no ONNX counterpart.
    """
    numbers = len(scorer.preprocessing.numbers)
    categories = len(scorer.preprocessing.categories)
    example = (
        torch.zeros(_EXAMPLE_ROWS, numbers),
        torch.zeros(_EXAMPLE_ROWS, categories, dtype=torch.int64),
    )
    rows = {0: torch.export.Dim.DYNAMIC}
    outputs = outputs_for(scorer.preprocessing.quantiles)
    try:
        with _silence():
            program = torch.onnx.export(
                scorer,
                example,
                dynamo=True,
                opset_version=OPSET,
                input_names=[NUMBERS, CATEGORIES],
                output_names=[output.name for output in outputs],
                dynamic_shapes=(rows, rows),
                verbose=False,
            )
    except Exception as error:  # torch wraps whatever the module raised, and much of its own
        raise _fault(error, workload) from error
    assert program is not None
    return program.model_proto


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's advice to its developers from our users."""
    disabled = logging.root.manager.disable
    try:
        logging.disable(logging.CRITICAL)
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _fault(error: Exception, workload: Workload) -> ExportError:
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    where = innermost_place(error, workload) or module_place(workload)
    operator = re.search(r"No ONNX function found for <OpOverload\(op='([\w.]+)'", str(cause))
    if operator:
        return ExportError(
            f"the operator {operator[1]} has no counterpart in ONNX",
            where=where,
            remedy="write that part of forward with other operators",
        )
    if type(cause).__name__.startswith("GuardOnDataDependent"):
        return ExportError(
            "forward branches on the values of a tensor, which one graph cannot",
            where=where,
            remedy="replace the branch with torch.where",
        )
    return ExportError(
        f"the module cannot be exported: {first_line(cause)}",
        where=where,
        remedy="write forward with torch operators alone, without side effects",
    )
