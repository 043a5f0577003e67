"""What the steps of the retraining loop mean: a library without KFP, HTTP servers or Kubernetes."""

__version__ = "0.1.0"
