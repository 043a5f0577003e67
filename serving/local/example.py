"""A request that works, to try a workload with: the first row of its bundle's reference."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from millrace.export.manifest import OUTPUT
from millrace.files import write_whole

REFERENCE = "reference.parquet"


def write_example(bundle: Path, file: Path) -> None:
    """Write the body of a request of one row, in the Open Inference Protocol's JSON.

    Args:
        bundle: folder of the bundle.
        file: where to write it.

    Raises:
        OSError: the bundle's reference cannot be read.
        StoreError: the disk does not take the file.
    """
    from pyarrow import parquet

    rows = parquet.ParquetFile(bundle / REFERENCE).iter_batches(batch_size=1)
    [row] = next(rows).to_pylist()
    inputs = [_tensor(name, value) for name, value in row.items() if name != OUTPUT]
    write_whole(file, json.dumps({"inputs": inputs}, indent=1).encode() + b"\n")


def _tensor(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [value]}
    number = None if value is None or math.isnan(value) else float(value)
    return {"name": name, "shape": [1, 1], "datatype": "FP32", "data": [number]}
