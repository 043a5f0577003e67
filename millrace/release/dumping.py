"""Values as YAML text: the same for the same values, with a line on top that says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

HEADERS = {
    "arm": "One arm: a bundle and how it is served. Written by millrace; fields that you add stay.",
    "route": "Who gets how much of the traffic. Written by millrace; fields that you add stay.",
    "kustomization": "What kubectl and Argo CD apply. Written by millrace; what you add stays.",
    "rollout": "What is on trial and how far it is. Written by millrace; serving and rollout are "
    "yours to edit.",
}


class _Dumper(yaml.SafeDumper):
    """Block style with lists indented under their key, and no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def to_yaml(*documents: Mapping[str, Any]) -> str:
    """Return documents as YAML, in the order of their keys."""
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )


def with_header(header: str, text: str) -> bytes:
    """Return a file of a release folder: a comment on top, then the text."""
    return f"# {header}\n{text}".encode()
