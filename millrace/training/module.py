"""Build the workload's torch module, and see that it does what the platform asks of it."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from millrace.errors import TrainingError
from millrace.training.faults import module_place, users_fault
from millrace.training.inputs import Inputs
from millrace.workload import Workload
from millrace.workload.code import import_object, nearest


def build_module(workload: Workload, inputs: Inputs, parameters: dict[str, Any]) -> nn.Module:
    """Return a fresh module of the workload's class.

    Args:
        workload: whose `training.module` is built.
        inputs: shapes of what the module gets.
        parameters: keyword arguments of its constructor.

    Raises:
        TrainingError: it is no torch module, or its constructor rejects the parameters.
        WorkloadError: there is no such class.
    """
    kind = import_object(workload, workload.spec.training.module)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        found = f"the class {kind.__name__}" if isinstance(kind, type) else repr(kind)
        raise TrainingError(
            "is no torch module",
            where=module_place(workload),
            found=found,
            expected="a class derived from torch.nn.Module",
            remedy="derive it, or name another in training.module of workload.yaml",
        )
    _require_parameters(workload, kind, parameters)
    remedy = f"check training.parameters in {workload.file}, or mend the module"
    with users_fault(workload, "the constructor", always=True, remedy=remedy):
        return kind(inputs, **parameters)


def check_module(module: nn.Module, workload: Workload, inputs: Inputs) -> None:
    """See that `forward` answers small batches with what is asked, and training can improve it.

    Raises:
        TrainingError: it raises, or returns something else.
    """
    module.eval()
    for rows in (3, 1):  # one row is what serving asks for, and where a bare squeeze() fails
        numbers = torch.zeros(rows, inputs.numbers)
        categories = torch.zeros(rows, len(inputs.cardinalities), dtype=torch.int64)
        with users_fault(workload, "forward", always=True):
            answers = module(numbers, categories)
        _require_answers(answers, rows, workload, inputs)


def _require_parameters(workload: Workload, kind: type, parameters: dict[str, Any]) -> None:
    signature = inspect.signature(kind)
    valid = [p.name for p in list(signature.parameters.values())[1:] if p.kind in _NAMED]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    where = f"{workload.file}: training.parameters"
    for name in parameters:
        if name not in valid and not open_ended:
            raise TrainingError(
                f"{module_place(workload)} takes no parameter {name!r}",
                where=where,
                expected=f"one of {', '.join(valid)}" if valid else "none",
                remedy=nearest(name, valid) or "remove it",
            )
    for parameter in list(signature.parameters.values())[1:]:
        needed = parameter.kind in _NAMED and parameter.default is parameter.empty
        if needed and parameter.name not in parameters:
            raise TrainingError(
                f"{module_place(workload)} needs the parameter {parameter.name!r}",
                where=where,
                remedy="add it, or give it a default in the constructor",
            )


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _require_answers(answers: Any, rows: int, workload: Workload, inputs: Inputs) -> None:
    where = module_place(workload)
    given = (
        f"numbers [{rows}, {inputs.numbers}] and categories [{rows}, {len(inputs.cardinalities)}]"
    )
    shape = [rows] if inputs.outputs == 1 else [rows, inputs.outputs]
    if not isinstance(answers, Tensor):
        raise TrainingError(
            f"forward does not return a tensor for {given}",
            where=where,
            found=type(answers).__name__,
            expected=f"float32 {shape}",
        )
    if list(answers.shape) != shape or answers.dtype != torch.float32:
        what, remedy = _asked(workload, inputs)
        raise TrainingError(
            f"forward returns the wrong tensor for {given}",
            where=where,
            found=f"{str(answers.dtype).removeprefix('torch.')} {list(answers.shape)}",
            expected=f"float32 {shape}, {what}",
            remedy=remedy,
        )
    if not answers.requires_grad:
        raise TrainingError(
            "forward's answer depends on no weight, so there is nothing to train",
            where=where,
            remedy="give the module parameters, and use no detach() or no_grad() in forward",
        )


def _asked(workload: Workload, inputs: Inputs) -> tuple[str, str]:
    """Return what forward is asked for in a row, and how a module gives it."""
    if workload.spec.target.kind == "binary":
        return "one logit a row", "return logits.squeeze(1) of float32 [n, 1], and no sigmoid"
    if inputs.outputs == 1:
        return "one number a row", "return numbers.squeeze(1) of float32 [n, 1]"
    quantiles = inputs.outputs - 1
    return (
        f"the mean and {quantiles} {'quantile' if quantiles == 1 else 'quantiles'} a row",
        "end forward in a layer with inputs.outputs columns, and squeeze nothing",
    )
