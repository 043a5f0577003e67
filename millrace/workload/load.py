"""Read a `workload.yaml`; every fault is told with its line and the nearest valid spelling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from millrace.errors import WorkloadError
from millrace.located import YamlDocument, fault_of, read_documents
from millrace.workload.spec import WorkloadManifest, WorkloadSpec


@dataclass(frozen=True)
class Workload:
    """A declared workload and the folder it stands in."""

    name: str
    folder: Path
    labels: dict[str, str]
    spec: WorkloadSpec

    @property
    def file(self) -> Path:
        """Return the path of its `workload.yaml`."""
        return self.folder / "workload.yaml"


def load_workload(folder: Path | str) -> Workload:
    """Return the workload declared in a folder.

    Raises:
        WorkloadError: the file is missing, is not YAML, or breaks the schema.
    """
    folder = Path(folder)
    file = folder / "workload.yaml" if folder.suffix not in (".yaml", ".yml") else folder
    document = _document(_read(file), file)
    try:
        manifest = WorkloadManifest.model_validate(document.content)
    except ValidationError as error:
        raise fault_of(
            error, document, WorkloadManifest, WorkloadError, reference="`millrace schema`"
        ) from error
    return Workload(
        manifest.metadata.name, file.parent, dict(manifest.metadata.labels), manifest.spec
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        folders = sorted(
            path.parent.as_posix() for path in Path("workloads").glob("*/workload.yaml")
        )
        raise WorkloadError(
            "there is no such file",
            where=str(file),
            expected=f"one of {', '.join(folders)}" if folders else "",
            remedy="name a workload's folder, or make one with `millrace init NAME`",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise WorkloadError(f"cannot be read: {error}", where=str(file)) from error


def _document(text: str, file: Path) -> YamlDocument:
    found = read_documents(text, str(file), WorkloadError)
    if not found:
        raise WorkloadError("the file is empty", where=str(file), expected="a Workload")
    if len(found) > 1:
        raise WorkloadError(
            "a second document begins here",
            where=found[1].where(),
            expected="one Workload a file",
            remedy="remove it, or give it a folder of its own",
        )
    return found[0]
