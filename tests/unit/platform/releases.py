"""Files of a release folder, as the platform writes them, and with changes by hand."""

from millrace.release.documents import ArmRef, Canary, Position, Release
from millrace.release.layout import Site
from millrace.release.writing import write_release
from millrace.workload.rollout import Rollout
from millrace.workload.serving import Serving

Files = dict[str, bytes]


def files(workload: str = "pumps", canary: int = 5) -> Files:
    """Return the files of a release with a canary at some percent."""
    refs = [ArmRef(version=v, digest=f"{v}" * 64, name=f"{workload}-v{v}") for v in (1, 2)]
    release = Release(
        workload=workload,
        stable=refs[0],
        canary=Canary(**refs[1].model_dump()),
        weights={refs[0].name: 100 - canary, refs[1].name: canary},
        serving=Serving(),
        rollout=Rollout(),
        position=Position(phase="progressing", step=0) if canary else Position(phase="waiting"),
    )
    return {path: content or b"" for path, content in write_release(release, Site()).items()}


def changed(path: str, before: str, after: str, found: Files | None = None) -> Files:
    """Return the files with a text in one of them replaced."""
    found = found or files()
    text = found[path].decode()
    assert before in text
    return {**found, path: text.replace(before, after).encode()}
