"""The Kubernetes objects of a release folder as values, for whatever makes them so."""

from millrace.release.gateway import Backend, Mirror, Route, parse_routes
from millrace.release.inference import InferenceService, parse_inference_service
from millrace.release.parsing import documents_of, shaped

__all__ = [
    "Backend",
    "InferenceService",
    "Mirror",
    "Route",
    "documents_of",
    "parse_inference_service",
    "parse_routes",
    "shaped",
]
