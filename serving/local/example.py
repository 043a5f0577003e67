"""A request that works, to try a workload with: the first row of its bundle's reference."""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path
from typing import Any

from millrace.export.manifest import OUTPUT
from millrace.files import write_whole
from millrace.settings import Settings

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


def example_file(settings: Settings, workload: str) -> Path:
    """Return where the example of a workload lies, once it answered."""
    return settings.platform_folder / "examples" / f"{workload}.json"


def curl_line(address: str, workload: str, file: Path) -> str:
    """Return the command that sends an example to a workload's address.

    The file is named from the working folder if it lies there.
    """
    short = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return f"curl {address}/v2/models/{workload}/infer -d {shlex.quote(f'@{short}')}"


def _tensor(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [value]}
    number = None if value is None or math.isnan(value) else float(value)
    return {"name": name, "shape": [1, 1], "datatype": "FP32", "data": [number]}
