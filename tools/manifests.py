"""Render manifests/ from the Helm chart: what all overlays share is the base.

`python -m tools.manifests` writes them; with `--check` it fails if they are out of date.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path("helm/millrace")
FOLDER = Path("manifests")
OVERLAYS = ("kind", "production")
NAMESPACE = "millrace"
HEADER = "# Rendered from helm/millrace by `make manifests`; edit the chart instead.\n"

Key = tuple[str, str, str]
"""Kind, namespace and name of an object."""


def main() -> None:
    """Write the manifests, or compare them with what is there."""
    if shutil.which("helm") is None:
        sys.exit("manifests: helm is not installed; install Helm 3")
    files = manifests()
    if "--check" in sys.argv[1:]:
        sys.exit(_difference(files))
    shutil.rmtree(FOLDER, ignore_errors=True)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"manifests: {len(files)} files\n")


def manifests() -> dict[Path, str]:
    """Return every file of the folder."""
    rendered = {name: objects(name) for name in OVERLAYS}
    first, *others = rendered.values()
    shared = {key for key, one in first.items() if all(found.get(key) == one for found in others)}
    files = _files(FOLDER / "base", {key: first[key] for key in shared}, [])
    for name, found in rendered.items():
        own = {key: one for key, one in found.items() if key not in shared}
        files |= _files(FOLDER / "overlays" / name, own, ["../../base"])
    return files


def objects(overlay: str) -> dict[Key, Any]:
    """Return what the chart makes of an overlay's values, but for Helm's tests."""
    values = CHART / f"values-{overlay}.yaml"
    done = subprocess.run(
        [
            *("helm", "template", "millrace", str(CHART), "--namespace", NAMESPACE),
            *("--values", str(values), "--set", "createNamespace=true", "--skip-tests"),
            *("--kube-version", _kubernetes()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"manifests: {' '.join(done.stderr.split())}")
    return {key_of(one): one for one in yaml.safe_load_all(done.stdout) if one}


def key_of(one: Mapping[str, Any]) -> Key:
    """Return what names an object in a cluster."""
    metadata = one["metadata"]
    return one["kind"], metadata.get("namespace", ""), metadata["name"]


def _kubernetes() -> str:
    told = yaml.safe_load((CHART / "values-kind.yaml").read_text(encoding="utf-8"))
    return str(told["dependencies"]["kubernetes"]["image"]).rpartition(":")[2]


def _files(folder: Path, found: Mapping[Key, Any], bases: list[str]) -> dict[Path, str]:
    """Return a kustomization of some objects, in a file for each part of the platform."""
    parts: dict[str, list[Any]] = defaultdict(list)
    for key in sorted(found):
        parts[_part(found[key])].append(found[key])
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*bases, *(f"{part}.yaml" for part in sorted(parts))],
    }
    files = {
        folder / f"{part}.yaml": HEADER + yaml.safe_dump_all(many, sort_keys=False, width=100)
        for part, many in parts.items()
    }
    files[folder / "kustomization.yaml"] = HEADER + yaml.safe_dump(kustomization, sort_keys=False)
    return files


def _part(one: Mapping[str, Any]) -> str:
    metadata = one["metadata"]
    if one["kind"] == "Namespace":
        return "namespace" if metadata["name"] == NAMESPACE else "namespaces-of-arms"
    return str(metadata["labels"]["app.kubernetes.io/name"])


def _difference(files: Mapping[Path, str]) -> str | None:
    there = {path for path in FOLDER.rglob("*") if path.is_file()}
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text() != text]
    wrong = sorted({*stale, *(there - set(files))})
    if not wrong:
        return None
    return f"manifests: out of date: {', '.join(map(str, wrong))}; run `make manifests`"


if __name__ == "__main__":
    main()
