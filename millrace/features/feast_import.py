"""The one place that imports Feast: without torch, without its type checks, without its noise."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_PROMETHEUS = ("PROMETHEUS_MULTIPROCESS_DIR", "PROMETHEUS_MULTIPROC_DIR")


def import_feast() -> ModuleType:
    """Return the module feast.

    A plain `import feast` loads torch if it is there, which the pipeline's role does without, and
    has typeguard rewrite a dozen classes: 5 s, of which this leaves 1 s. What typeguard would find
    in a definition, the checks of `load_definitions` find.
    """
    if "feast" in sys.modules:
        return sys.modules["feast"]
    with _without_torch(), _without_typeguard(), _without_metric_files(), quiet():
        return importlib.import_module("feast")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Feast from printing progress bars and warnings between a step's own events."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _without_torch() -> Iterator[None]:
    if "torch" in sys.modules:
        yield
        return
    modules: dict[str, Any] = sys.modules
    modules["torch"] = None
    try:
        yield
    finally:
        del modules["torch"]


@contextlib.contextmanager
def _without_typeguard() -> Iterator[None]:
    typeguard: Any = importlib.import_module("typeguard")
    original = typeguard.typechecked
    typeguard.typechecked = lambda target: target
    try:
        yield
    finally:
        typeguard.typechecked = original


@contextlib.contextmanager
def _without_metric_files() -> Iterator[None]:
    """Keep feast.metrics from writing files for metrics of many processes, here and in children."""
    before = {name: os.environ.pop(name, None) for name in _PROMETHEUS}
    importlib.import_module("prometheus_client.values")  # decides on files by these variables
    os.environ.update(dict.fromkeys(_PROMETHEUS, ""))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
