"""Edits of YAML files that keep what people wrote: comments, order, fields that are theirs.

An edit changes the text where it can. What comes out is read again and held to what was meant; if
it is not that (a list in flow style, an anchor), the document is written anew from its values.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from millrace.located import Place
from millrace.release.dumping import to_yaml


def set_values(content: bytes, edits: Mapping[tuple[int, Place], Any]) -> bytes:
    """Return a file with some scalars set.

    Args:
        content: the file.
        edits: new values by number of the document and place in it; every place is there.
    """

    def by_value(documents: list[Any]) -> None:
        for (number, place), value in edits.items():
            _at(documents[number], place[:-1])[place[-1]] = value

    def by_text(text: str, nodes: list[yaml.Node]) -> str:
        found = [(_node(nodes[n], place), value) for (n, place), value in edits.items()]
        for node, value in sorted(found, key=lambda one: one[0].start_mark.index, reverse=True):
            text = text[: node.start_mark.index] + str(value) + text[node.end_mark.index :]
        return text

    return _edited(content, by_value, by_text)


def append_item(content: bytes, number: int, place: Place, item: Any) -> bytes:
    """Return a file with an item at the end of a list, in the document of this number."""

    def by_value(documents: list[Any]) -> None:
        _at(documents[number], place).append(item)

    def by_text(text: str, nodes: list[yaml.Node]) -> str:
        node = _block(_node(nodes[number], place))
        lines = text.splitlines(keepends=True)
        _, end = _span(lines, node, len(node.value) - 1)
        indent = " " * node.start_mark.column
        added = [indent + line for line in to_yaml_list(item).splitlines(keepends=True)]
        return "".join([*lines[:end], *added, *lines[end:]])

    return _edited(content, by_value, by_text)


def remove_item(content: bytes, number: int, place: Place, index: int) -> bytes:
    """Return a file without an item of a list, in the document of this number."""

    def by_value(documents: list[Any]) -> None:
        del _at(documents[number], place)[index]

    def by_text(text: str, nodes: list[yaml.Node]) -> str:
        node = _block(_node(nodes[number], place))
        lines = text.splitlines(keepends=True)
        start, end = _span(lines, node, index)
        return "".join([*lines[:start], *lines[end:]])

    return _edited(content, by_value, by_text)


def to_yaml_list(item: Any) -> str:
    """Return the text of a list with one item."""
    text = to_yaml({"list": [item]})
    return "".join(line[2:] for line in text.splitlines(keepends=True)[1:])


class _NotInTextError(Exception):
    """This edit cannot be made in the text."""


def _edited(
    content: bytes,
    by_value: Callable[[list[Any]], None],
    by_text: Callable[[str, list[yaml.Node]], str],
) -> bytes:
    text = content.decode()
    text = text if text.endswith("\n") else f"{text}\n"
    wanted = copy.deepcopy([value for value in yaml.safe_load_all(text) if value is not None])
    by_value(wanted)
    nodes = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node]
    try:
        made = by_text(text, nodes)
        if [value for value in yaml.safe_load_all(made) if value is not None] == wanted:
            return made.encode()
    except (_NotInTextError, yaml.YAMLError):
        pass
    return (_top_comments(text) + to_yaml(*wanted)).encode()


def _top_comments(text: str) -> str:
    lines = text.splitlines(keepends=True)
    count = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[:count])


def _at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def _node(node: yaml.Node, place: Place) -> yaml.Node:
    for step in place:
        if isinstance(node, yaml.MappingNode):
            node = next(value for key, value in node.value if key.value == step)
        else:
            node = node.value[step]
    return node


def _block(node: yaml.Node) -> yaml.SequenceNode:
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or len(node.value) < 1:
        raise _NotInTextError
    return node


def _span(lines: list[str], node: yaml.SequenceNode, index: int) -> tuple[int, int]:
    """Return the first line of an item and the line after its last, comments below it left out."""
    item = node.value[index]
    start = item.start_mark.line
    while start >= 0 and lines[start][node.start_mark.column :][:1] != "-":
        start -= 1
    if start < 0:
        raise _NotInTextError
    block = isinstance(item, yaml.CollectionNode) and not item.flow_style
    end = item.end_mark.line if block else item.end_mark.line + 1
    while end > start + 1 and lines[end - 1].strip()[:1] in ("", "#"):
        end -= 1
    return start, end
