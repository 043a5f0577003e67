"""The servers that the predictor is measured against; each serves the same ONNX graph.

A peer is a module with the arguments MODEL HTTP_PORT GRPC_PORT. It serves the model `churn` over
the Open Inference Protocol as its own documentation says, with one process and one thread of
onnxruntime, as the predictor has.
"""
