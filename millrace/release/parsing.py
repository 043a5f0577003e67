"""Files of a release folder as YAML documents that are held to a model."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from millrace.errors import ReleaseError
from millrace.located import YamlDocument, fault_of, read_documents

M = TypeVar("M", bound=BaseModel)
_REFERENCE = "docs/release.md"


def documents_of(content: bytes, file: str) -> list[YamlDocument]:
    """Return the YAML documents of a file.

    Raises:
        ReleaseError: it is not UTF-8, or not YAML.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ReleaseError(f"is not UTF-8: {error.reason}", where=file) from error
    return read_documents(text, file, ReleaseError)


def shaped(document: YamlDocument, model: type[M]) -> M:
    """Return a document as a model.

    Raises:
        ReleaseError: it breaks the model, told with its line.
    """
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        raise fault_of(error, document, model, ReleaseError, reference=_REFERENCE) from error
