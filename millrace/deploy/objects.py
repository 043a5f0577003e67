"""Read files of commits: many at once, by one git command."""

from __future__ import annotations

from collections.abc import Sequence

from millrace.deploy.place import Place


def read_blobs(place: Place, names: Sequence[str]) -> list[bytes | None]:
    """Return the contents of objects, None for one that is not there.

    Args:
        place: where they are.
        names: objects as git names them, such as `COMMIT:path/of/file`, without line breaks.
    """
    if not names:
        return []
    told = place.git("cat-file", "--batch", content="".join(f"{n}\n" for n in names).encode())
    found: list[bytes | None] = []
    at = 0
    for _ in names:
        end = told.index(b"\n", at)
        *_head, kind, size = told[at:end].split(b" ")
        at = end + 1
        if not size.isdigit():
            found.append(None)
            continue
        found.append(told[at : at + int(size)] if kind == b"blob" else None)
        at += int(size) + 1
    return found


def tree_files(place: Place, commit: str, folder: str) -> dict[str, bytes]:
    """Return the content of every plain file under a folder of a commit, by path."""
    told = place.git("ls-tree", "-r", "-z", "--full-tree", commit, "--", *([folder] * bool(folder)))
    blobs = {}
    for entry in told.decode(errors="surrogateescape").split("\0"):
        described, _, path = entry.partition("\t")
        if described.startswith("100"):
            blobs[path] = described.split()[2]
    contents = read_blobs(place, list(blobs.values()))
    pairs = zip(blobs, contents, strict=True)
    return {path: content for path, content in pairs if content is not None}
