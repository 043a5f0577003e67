"""Tell faults of a workload's module from faults of the platform, and put them in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from millrace.errors import MillraceError, TrainingError
from millrace.workload import Workload
from millrace.workload.code import place_of


def module_place(workload: Workload) -> str:
    """Return the file and class of the workload's module, such as `churn/model.py: ChurnNet`."""
    file, _, name = workload.spec.training.module.partition(":")
    return f"{workload.folder / file}.py: {name}"


def innermost_place(error: BaseException, workload: Workload) -> str:
    """Return FILE:LINE of the workload's code that raised, over all causes; '' if none did."""
    place = ""
    cause: BaseException | None = error
    while cause is not None:
        place = place_of(cause, workload) or place
        cause = cause.__cause__ or cause.__context__
    return place


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says, with its class."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0].rstrip('. ')}".rstrip(": ")


@contextmanager
def users_fault(
    workload: Workload,
    doing: str,
    *,
    always: bool = False,
    remedy: str = "mend the module (see `Inputs` in millrace.training for what it gets)",
) -> Iterator[None]:
    """Turn what a workload's module raises into a TrainingError of one line.

    Args:
        workload: whose module it is.
        doing: what was being done, such as `its constructor`.
        always: take it for the module's fault even if no frame of it is in the traceback, as
            with a wrong signature.
        remedy: what its author does next.

    Raises:
        TrainingError: the block raised, and the module is to blame.
    """
    try:
        yield
    except MillraceError:
        raise
    except Exception as error:
        place = innermost_place(error, workload)
        if not place and not always:
            raise
        raise TrainingError(
            f"{doing} raised {first_line(error)}",
            where=place or module_place(workload),
            remedy=remedy,
        ) from error
