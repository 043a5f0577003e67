"""JSON documents that steps hand to each other and keep: strict, frozen, versioned by Git."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from millrace.errors import MillraceError
from millrace.files import write_whole

_REMEDY = "run the step that writes it again"


class Document(BaseModel):
    """A JSON document that one step writes and others read."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")

    def write(self, file: Path) -> None:
        """Write the document to a file, whole or not at all, indented for people.

        Raises:
            StoreError: the disk does not take it.
        """
        write_whole(file, (self.model_dump_json(indent=2) + "\n").encode())

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the document of a file.

        Raises:
            MillraceError: the file is missing or is another kind of document.
        """
        try:
            content = file.read_bytes()
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            raise MillraceError(
                f"the {cls.__name__} document "
                + ("is missing" if missing else f"cannot be read: {error.strerror or error}"),
                where=str(file),
                remedy=_REMEDY,
            ) from error
        return cls.parse(content, str(file))

    @classmethod
    def parse(cls, content: bytes, where: str, remedy: str = _REMEDY) -> Self:
        """Return the document that was written as this content.

        Args:
            content: JSON.
            where: the file that it is from, for the message.
            remedy: what the reader of the message does next.

        Raises:
            MillraceError: it is no JSON, or another kind of document, or an older one.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            raise MillraceError(
                f"is no {cls.__name__} document: {fault['msg']}",
                where=f"{where} at {place}" if place else where,
                remedy=remedy,
            ) from error
