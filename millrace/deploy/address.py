"""The address of the deploy repository: a folder of this machine, or a server's."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from millrace.errors import DeployError

_SCP = re.compile(r"^(?:[^/@:]+@)?[^/:]+:(?!//)")
"""`user@host:path`, which git takes for SSH."""
_REPOSITORY = re.compile(r"([^/:]+)/([^/:]+?)(?:\.git)?/*$")


def local_folder(url: str) -> Path | None:
    """Return the folder of a deploy repository on this machine, or None for a server's."""
    if url.startswith("file://"):
        return Path(urlsplit(url).path)
    if "://" in url or _SCP.match(url):
        return None
    return Path(url).expanduser().resolve()


def owner_and_name(url: str) -> tuple[str, str]:
    """Return whose repository it is on a forge, and its name there.

    Raises:
        DeployError: the address does not end in OWNER/NAME.
    """
    found = _REPOSITORY.search(urlsplit(url).path if "://" in url else url)
    if local_folder(url) is not None or found is None:
        raise DeployError(
            "a forge needs the URL of a repository that it holds",
            where="MILLRACE_DEPLOY_REPOSITORY",
            found=url or "nothing",
            expected="such as https://HOST/OWNER/NAME.git",
        )
    return found[1], found[2]


def without_login(url: str) -> tuple[str, str]:
    """Return a URL without the user and password that it brings for HTTP, and those.

    They come as HTTP sends them, `user:password`, and are empty if there are none. SSH has no
    password in its URL, and its user stays.
    """
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    if parts.scheme not in ("http", "https") or not at:
        return url, ""
    user, _, password = login.partition(":")
    return urlunsplit(parts._replace(netloc=host)), f"{unquote(user)}:{unquote(password)}"


def web_base(url: str) -> str:
    """Return the base URL of the forge that serves a repository over HTTP; empty for SSH."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return ""
    path = "/".join(parts.path.rstrip("/").split("/")[:-2])
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))
