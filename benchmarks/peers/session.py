"""What the peers share: their options, and onnxruntime with one thread."""

from __future__ import annotations

import argparse
from typing import Any

import onnxruntime

NAME = "churn"
TYPES = {"FP32": "float32", "BYTES": "object"}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("http", type=int)
    parser.add_argument("grpc", type=int)
    return parser.parse_args()


def open_session(model: str) -> Any:
    """Return a session on one thread."""
    wanted = onnxruntime.SessionOptions()
    wanted.intra_op_num_threads = wanted.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, wanted, providers=["CPUExecutionProvider"])
