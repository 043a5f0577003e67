"""YAML that people write: read with the line of every key, faults told with the nearest key."""

from millrace.located.faults import fault_of
from millrace.located.text import YamlDocument, read_documents
from millrace.located.words import KEYED, MISFIT, Place, did_you_mean, dotted, nearest

__all__ = [
    "KEYED",
    "MISFIT",
    "Place",
    "YamlDocument",
    "did_you_mean",
    "dotted",
    "fault_of",
    "nearest",
    "read_documents",
]
