"""The platform's KServe runtime for ONNX bundles."""
