"""JSON documents that steps hand to each other and keep: strict, frozen, versioned by Git."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from millrace.errors import MillraceError


class Document(BaseModel):
    """A JSON document that one step writes and others read."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")

    def write(self, file: Path) -> None:
        """Write the document to a file, indented for people."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the document of a file.

        Raises:
            MillraceError: the file is missing or is another kind of document.
        """
        try:
            return cls.model_validate_json(file.read_bytes())
        except FileNotFoundError as error:
            raise MillraceError(
                f"the {cls.__name__} document is missing",
                where=str(file),
                remedy="run the step that writes it again",
            ) from error
        except ValidationError as error:
            fault = error.errors()[0]
            raise MillraceError(
                f"is no {cls.__name__} document: {fault['msg']}",
                where=f"{file} at {'.'.join(map(str, fault['loc']))}",
                remedy="run the step that writes it again",
            ) from error
