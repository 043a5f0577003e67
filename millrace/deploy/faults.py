"""What git says when it fails, as one line for a person."""

from __future__ import annotations

import re

from millrace.deploy.process import Ran
from millrace.errors import DeployError

_KNOWN = {
    r"does not appear to be a git repository|not a git repository|repository '.*' not found": (
        "is no Git repository",
        "name one by MILLRACE_DEPLOY_REPOSITORY",
    ),
    r"Connection refused|[Cc]ouldn't connect|Failed to connect": (
        "refuses the connection",
        "see that it runs and MILLRACE_DEPLOY_REPOSITORY names it",
    ),
    r"Could not resolve host": (
        "has a host name that cannot be resolved",
        "see that MILLRACE_DEPLOY_REPOSITORY names it",
    ),
    r"Authentication failed|could not read Username|could not read Password|error: 40[13]"
    r"|Permission denied \(": (
        "does not let us in",
        "see that MILLRACE_FORGE_TOKEN, the URL's password or the SSH key may read and write it",
    ),
    r"No space left on device": ("has no space left", "free space, then run again"),
    r"Read-only file system|Permission denied|insufficient permission": (
        "cannot be read or written",
        "mend access to the folder, then run again",
    ),
    r"hook declined|pre-receive hook|protected branch|denied|prohibited": (
        "rejects the change by a rule of its own",
        "see its hooks and protected branches",
    ),
    r"exists; cannot create": ("has another branch in the way", "delete or rename that branch"),
    r"File exists|cannot lock ref|\.lock'": (
        "is locked by another git process",
        "wait until that has ended, then run again",
    ),
    r"certificate": ("has a certificate that is not trusted", "set GIT_SSL_CAINFO"),
}
_NOISE = re.compile(
    r"^(remote: )?(hint:|error: failed to push some refs|To |Done$|\s*$"
    r"|Please make sure|and the repository exists)"
)
_BUSY = re.compile(
    r"cannot lock ref|\.lock'|failed to update ref|another git process"
    r"|incorrect old value provided|transaction failed|reference already exists",
    re.IGNORECASE,
)
_FIRM = re.compile(
    r"hook declined|Permission denied|Read-only file system|No space left|exists; cannot create"
)


def is_busy(ran: Ran) -> bool:
    """Return whether a command failed at somebody else's lock, so that it may be tried again."""
    text = _text(ran)
    return bool(_BUSY.search(text)) and not _FIRM.search(text)


def git_fault(ran: Ran, where: str, timeout: float) -> DeployError:
    """Return a failed command as a fault.

    Args:
        ran: the command.
        where: address of the repository, without credentials.
        timeout: seconds that it had.
    """
    if ran.timed_out:
        return DeployError(
            f"the deploy repository did not answer within {timeout:g} s",
            where=where,
            remedy="see that it runs, or set MILLRACE_TIMEOUT",
        )
    text = _text(ran)
    for pattern, (clause, remedy) in _KNOWN.items():
        if re.search(pattern, text):
            return DeployError(
                f"the deploy repository {clause}", where=where, found=_told(text), remedy=remedy
            )
    return DeployError("the deploy repository does not do as asked", where=where, found=_told(text))


def _text(ran: Ran) -> str:
    rejected = [
        line for line in ran.out.decode(errors="replace").splitlines() if line.startswith("!\t")
    ]
    return "\n".join([*rejected, ran.err])


def _told(text: str) -> str:
    """Return the lines that say something, on one line, short enough to read."""
    lines = [" ".join(line.split()) for line in text.splitlines() if not _NOISE.match(line)]
    line = "; ".join(line.rstrip(".") for line in lines if line != "remote:") or "no message"
    return f"{line[:300]}{'…' if len(line) > 300 else ''}"
