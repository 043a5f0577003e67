"""Write a new workload's folder: whole, or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from pydantic import ValidationError

import millrace
from cli.scaffold.machines import machines_csv
from millrace.errors import WorkloadError
from millrace.workload.spec import Metadata

_TEMPLATES = Path(__file__).parent
_PROJECT = Path(millrace.__file__).parents[1]
_SCHEMA = _PROJECT / "millrace" / "workload" / "workload.schema.json"


def scaffold(name: str, folder: Path) -> list[Path]:
    """Write a workload that runs as it is, and return its files.

    Args:
        name: name of the workload.
        folder: where it shall stand; it must not exist, or be empty.

    Raises:
        WorkloadError: the name is not valid, the folder holds something, or cannot be written.
    """
    _require_name(name)
    _require_empty(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".partial-"))
        try:
            files = _write(name, folder, draft)
            draft.chmod(0o755)
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise WorkloadError(
            f"the workload cannot be written: {error.strerror or error}",
            where=str(folder),
            remedy="free space or mend access, then run again: nothing was half-written",
        ) from error
    return [folder / file for file in files]


def _write(name: str, folder: Path, draft: Path) -> list[Path]:
    """Write the files into a draft of the folder; return their names in it."""
    words = {
        "{{name}}": name,
        "{{folder}}": folder.as_posix(),
        "{{schema}}\n": _schema_line(folder),
    }
    contents = {Path("data/machines.csv"): machines_csv()}
    for template in sorted(_TEMPLATES.glob("*.tmpl")):
        text = template.read_text(encoding="utf-8")
        for placeholder, word in words.items():
            text = text.replace(placeholder, word)
        contents[Path(template.stem)] = text
    for file, text in contents.items():
        (draft / file).parent.mkdir(exist_ok=True)
        (draft / file).write_text(text, encoding="utf-8")
    return sorted(contents)


def _schema_line(folder: Path) -> str:
    """Return the comment that lets editors complete workload.yaml, in this project's folders."""
    if not folder.resolve().is_relative_to(_PROJECT):
        return ""
    schema = Path(os.path.relpath(_SCHEMA, folder.resolve())).as_posix()
    return f"# yaml-language-server: $schema={schema}\n"


def _require_name(name: str) -> None:
    try:
        Metadata(name=name)
    except ValidationError as error:
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:40].strip("-")
        raise WorkloadError(
            "this cannot be the name of a workload",
            found=repr(name),
            expected="lower-case letters, digits and dashes, at most 40, a letter first and no "
            "dash last",
            remedy=f"such as {near!r}" if near else "such as 'machines'",
        ) from error


def _require_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        raise WorkloadError(
            "there is something already",
            where=str(folder),
            expected="no such folder, or an empty one",
            remedy="give another name, or another folder with --folder",
        )
