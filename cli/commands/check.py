"""`millrace check`: a workload's declaration and code, without running it."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache

from rich.markup import escape

from cli.console import console, print_json
from cli.find import workload_folder
from cli.trial import First, first_chunk, sound_records
from millrace.errors import ContractError
from millrace.workload import Workload, load_workload


def check(named: str, *, as_json: bool) -> None:
    """Check each part of a workload, from the declaration to the torch module.

    Raises:
        MillraceError: the first fault that is found.
    """
    workload = load_workload(workload_folder(named))
    spec = workload.spec
    passed = {"declaration": f"predicts {spec.target.meaning}; {len(spec.all_gates())} gates"}
    if not as_json:
        _tell("declaration", passed["declaration"])
    first = cache(lambda: first_chunk(workload))
    parts: dict[str, Callable[[], str]] = {
        "source": lambda: _source(workload, first),
        "features": lambda: _features(workload, first),
    }
    if workload.spec.request:
        parts["request"] = lambda: _request(workload)
    parts["module"] = lambda: _module(workload)
    for name, part in parts.items():
        with redirect_stdout(io.StringIO()):  # for what readers and the workload's code print
            passed[name] = part()
        if not as_json:
            _tell(name, passed[name])
    if as_json:
        print_json({"workload": workload.name, "passed": passed})


def _tell(name: str, note: str) -> None:
    console.print(f"[green]✓[/] {name:<12} {escape(note)}", soft_wrap=True)


def _source(workload: Workload, first: Callable[[], First]) -> str:
    """See that the source can be read, and has the columns of the contract."""
    from millrace.validation.faults import header_place
    from millrace.validation.presence import presence_findings
    from millrace.validation.schema import check_declarations

    check_declarations(workload)
    contract = workload.spec.contract
    where = header_place(workload.spec.source)
    findings = presence_findings(first().records, contract, None, where)
    for finding in findings:
        if finding.rejects:
            raise ContractError(finding.problem, where=str(workload.file), remedy=finding.remedy)
    notes = [finding.problem for finding in findings]
    return "; ".join([f"{len(contract.columns)} columns", *notes])


def _features(workload: Workload, first: Callable[[], First]) -> str:
    """See that the Feast definitions fit the contract, and try their functions on some records."""
    from millrace.features import load_definitions
    from millrace.features.compute import compute_rows

    definitions = load_definitions(workload)
    records = sound_records(workload, first())
    if len(records):
        for view in definitions.views:
            compute_rows(workload, view, records)
    tried = f"tried on {len(records)} records" if len(records) else "not tried: no record is sound"
    views = f"{len(definitions.stored)} features of {len(definitions.views)} feature views"
    return f"{views}, {tried}"


def _request(workload: Workload) -> str:
    """Name what requests bring; the features were found to fit with it."""
    from millrace.report.text import counted

    brought = workload.spec.request
    return f"{counted(len(brought), 'more feature')}: {', '.join(brought)}"


def _module(workload: Workload) -> str:
    """See that the torch module can be built and answers a small batch."""
    from millrace.features import load_definitions
    from millrace.training import Inputs
    from millrace.training.module import build_module, check_module

    features = load_definitions(workload).features
    numbers = sum(feature.kind == "number" for feature in features)
    outputs = 1 + len(workload.spec.target.levels)
    inputs = Inputs(numbers, (3,) * (len(features) - numbers), outputs)
    module = build_module(workload, inputs, workload.spec.training.parameters)
    check_module(module, workload, inputs)
    weights = sum(parameter.numel() for parameter in module.parameters())
    return f"{workload.spec.training.module}, about {weights:,} weights"
