"""Write a model as one ONNX graph from named feature values to predictions."""
