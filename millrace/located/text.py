"""YAML text as documents that know in which line each of their keys stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from millrace.errors import MillraceError
from millrace.located.words import Place, dotted


@dataclass(frozen=True)
class YamlDocument:
    """One document of a YAML file.

    Attributes:
        content: what it says.
        file: name of the file, for messages.
        lines: the line, from 1, of each place in the document.
    """

    content: Any
    file: str
    lines: dict[Place, int] = field(repr=False)

    def where(self, place: Place = ()) -> str:
        """Return `FILE:LINE` of a place, or of the nearest one around it that is there."""
        known = (place[:n] for n in range(len(place), -1, -1))
        return f"{self.file}:{next((self.lines[p] for p in known if p in self.lines), 1)}"


def read_documents(text: str, file: str, fault: type[MillraceError]) -> list[YamlDocument]:
    """Return the documents of a YAML file; none if it is empty.

    Args:
        text: content of the file.
        file: its name, for messages.
        fault: the error to raise.

    Raises:
        MillraceError: it is not YAML, or a key stands twice in a mapping.
    """
    try:
        nodes = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node]
        found = []
        for node in nodes:
            lines: dict[Place, int] = {}
            _note_lines(node, (), lines, file, fault)
            found.append(YamlDocument(_content(node), file, lines))
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise fault(
            f"is not YAML: {error.problem or error.context}", where=f"{file}{line}"
        ) from error
    except RecursionError as error:
        raise fault("an anchor refers to itself", where=file) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise fault(f"is not YAML: {' '.join(str(error).split())}", where=file) from error
    return found


class _Loader(yaml.SafeLoader):
    """Tells of whatever a value cannot be made of by its line: PyYAML lets many errors through."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """See SafeConstructor."""
        try:
            return super().construct_object(node, deep=deep)
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception as error:
            problem = f"this is no {node.tag.rpartition(':')[2]}"
            why = f": {error}" if isinstance(error, ValueError) else ""  # others speak to nobody
            raise yaml.MarkedYAMLError(
                problem=problem + why, problem_mark=node.start_mark
            ) from error


def _content(node: yaml.Node) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _note_lines(
    node: yaml.Node,
    place: Place,
    lines: dict[Place, int],
    file: str,
    fault: type[MillraceError],
) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    _see_that_it_is_text(node)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is no text", problem_mark=key.start_mark)
            _see_that_it_is_text(key)
            here = (*place, key.value)
            if here in lines:
                raise fault(
                    f"the key {dotted(here)!r} stands here a second time",
                    where=f"{file}:{key.start_mark.line + 1}",
                    remedy=f"keep one of it and the one in line {lines[here]}",
                )
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, lines, file, fault)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*place, index), lines, file, fault)


def _see_that_it_is_text(node: yaml.Node) -> None:
    """Refuse half a surrogate pair: an escape can write it, but no file, log or terminal takes it.

    Raises:
        MarkedYAMLError: this is one.
    """
    if isinstance(node, yaml.ScalarNode):
        try:
            node.value.encode()
        except UnicodeEncodeError as error:
            raise yaml.MarkedYAMLError(
                problem=f"this is no text: {error.reason}", problem_mark=node.start_mark
            ) from error
