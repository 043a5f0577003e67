"""What the steps of the retraining loop mean: a library without KFP, HTTP servers or Kubernetes."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reads it when it is imported

__version__ = "0.1.0"
