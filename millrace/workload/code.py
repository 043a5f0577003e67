"""The Python that a workload brings along: imported under its own name, faults told with a line."""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from millrace.digests import digest_of_file, digest_of_json
from millrace.errors import WorkloadError
from millrace.workload.load import Workload
from millrace.workload.source import SqlSource

_PLATFORM = ("millrace", "components")


def import_user_module(workload: Workload, name: str) -> ModuleType:
    """Return the module NAME.py of a workload's folder, executed anew.

    It is imported as `workloads_of_users.WORKLOAD.NAME`, so files of the same name in two
    workloads do not clash, and a file reaches its neighbours with `from .other import thing`.

    Raises:
        WorkloadError: there is no such file, or it cannot be imported.
    """
    file = workload.folder / f"{name}.py"
    code = _compiled(workload, file)
    package = _fresh_package(workload)
    spec = importlib.util.spec_from_file_location(f"{package}.{name}", file.resolve())
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 -- running the user's code is the point
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise _not_importable(workload, file, error) from error
    return module


def import_object(workload: Workload, address: str) -> Any:
    """Return what an address such as `model:ChurnNet` names: an attribute of a user's module.

    Raises:
        WorkloadError: the file or the attribute does not exist, or the file cannot be imported.
    """
    name, _, attribute = address.partition(":")
    module = import_user_module(workload, name)
    if not hasattr(module, attribute):
        defined = [key for key in vars(module) if not key.startswith("_")]
        raise WorkloadError(
            f"{attribute!r} is not defined",
            where=str(workload.folder / f"{name}.py"),
            found=", ".join(defined) or "nothing",
            expected=f"{attribute!r}, as {address!r} in workload.yaml says",
            remedy=nearest(attribute, defined) or f"define {attribute!r} there",
        )
    return getattr(module, attribute)


def code_revision(workload: Workload) -> str:
    """Return the digest of the platform's and the workload's code, wherever they lie.

    It covers the files of the packages millrace and components and of the workload's folder, by
    their relative names: its Python may read any of them. Hidden files, what Python has compiled
    and the data that `spec.source` names are left out. Of workload.yaml it covers what it declares
    but for `serving` and `rollout`: how a model answers and is judged on trial changes no model.

    Raises:
        WorkloadError: a file cannot be read.
    """
    sources: dict[str, str] = {}
    for package in _PLATFORM:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            sources |= _digests(package, Path(folder))
    sources |= _digests("workload", workload.folder, _data_of(workload))
    sources[f"workload/{workload.file.name}"] = _digest_of_declaration(workload)
    return digest_of_json(sources)


def place_of(error: BaseException, workload: Workload) -> str:
    """Return `FILE:LINE` of the workload's own code that an exception passed last; '' if none."""
    folder = workload.folder.resolve()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(folder):
            return f"{_shown(workload, frame.filename)}:{frame.lineno}"
    return ""


def told(error: BaseException) -> str:
    """Return an exception of the user's code as a clause: its kind and its message."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def nearest(name: str, known: list[str]) -> str:
    """Return `did you mean 'x'?` for the known name most like this one; '' if none is like it."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""


def _compiled(workload: Workload, file: Path) -> Any:
    try:
        return compile(file.read_bytes(), str(file.resolve()), "exec")
    except FileNotFoundError as error:
        there = sorted(path.stem for path in workload.folder.glob("*.py"))
        raise WorkloadError(
            "there is no such file",
            where=str(file),
            found=", ".join(f"{stem}.py" for stem in there) or "no Python file in the folder",
            remedy=nearest(file.stem, there) or "write it, or see workloads/churn for an example",
        ) from error
    except SyntaxError as error:
        raise WorkloadError(
            f"is not Python: {error.msg}",
            where=f"{file}:{error.lineno}" if error.lineno else str(file),
            found=repr(error.text.strip()) if error.text else "",
        ) from error
    except (OSError, ValueError) as error:
        raise WorkloadError(f"cannot be read: {error}", where=str(file)) from error


def _fresh_package(workload: Workload) -> str:
    """Make the package that holds a workload's modules; what was imported before is forgotten."""
    name = f"workloads_of_users.{workload.name.replace('-', '_')}"
    for known in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        del sys.modules[known]
    for package, folders in (("workloads_of_users", []), (name, [str(workload.folder.resolve())])):
        if package not in sys.modules:
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = folders
    return name


def _not_importable(workload: Workload, file: Path, error: BaseException) -> WorkloadError:
    if isinstance(error, SyntaxError):
        where = f"{_shown(workload, error.filename or str(file))}:{error.lineno}"
        return WorkloadError(f"is not Python: {error.msg}", where=where)
    missing = (isinstance(error, ModuleNotFoundError) and error.name) or ""
    remedy = "mend that line"
    if missing and (workload.folder / f"{missing}.py").exists():
        remedy = f"write `from .{missing} import ...`, with a dot: the folder is a package"
    elif missing:
        remedy = f"{missing!r} is not installed in the environment of this step"
    return WorkloadError(
        f"cannot be imported: {told(error)}",
        where=place_of(error, workload) or str(file),
        remedy=remedy,
    )


def _shown(workload: Workload, filename: str) -> str:
    folder = workload.folder.resolve()
    inside = Path(filename).is_relative_to(folder)
    return str(workload.folder / Path(filename).relative_to(folder)) if inside else filename


def _digests(prefix: str, folder: Path, data: Path | None = None) -> dict[str, str]:
    """Return the digest of each file of a folder by its name there, but for those of the data."""
    digests = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if _is_code(name) and file.is_file() and not (data and _belongs(file, data)):
            try:
                digests[f"{prefix}/{name.as_posix()}"] = digest_of_file(file)
            except OSError as error:
                raise WorkloadError(
                    f"cannot be read: {error.strerror}",
                    where=str(file),
                    expected="a readable file, since the workload's code may read it",
                    remedy="mend access to it, or move it out of the workload's folder",
                ) from error
    return digests


def _digest_of_declaration(workload: Workload) -> str:
    trained = workload.spec.model_dump_json(exclude={"serving", "rollout"})
    labels = sorted(workload.labels.items())
    return digest_of_json([workload.name, labels, trained])


def _is_code(name: Path) -> bool:
    hidden = any(part.startswith(".") for part in name.parts)
    return not hidden and "__pycache__" not in name.parts and name.suffix != ".pyc"


def _data_of(workload: Workload) -> Path | None:
    """Return the file or folder that the workload's source names, if it names one."""
    source = workload.spec.source
    if not isinstance(source, SqlSource):
        return (workload.folder / source.path).resolve()
    dialect, _, name = os.path.expandvars(source.url).partition(":///")
    database = name.partition("?")[0]
    is_file = dialect.startswith("sqlite") and database
    return (workload.folder / database).resolve() if is_file else None


def _belongs(file: Path, data: Path) -> bool:
    """Return whether a file is the data, lies in it, or is a SQLite database's journal.

    Python is code, even if the data is the whole folder of the workload.
    """
    if file.suffix == ".py" or file.name == "workload.yaml":
        return False
    found = file.resolve()
    journal = found.parent == data.parent and found.name.startswith(f"{data.name}-")
    return found.is_relative_to(data) or journal
