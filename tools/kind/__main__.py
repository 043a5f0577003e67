"""`python -m tools.kind up|apply|down`."""

from __future__ import annotations

import sys

from millrace.errors import MillraceError

COMMANDS = ("up", "apply", "down")


def main() -> None:
    """Do as told; every fault ends in one line and a code that is not zero."""
    wanted = sys.argv[1] if len(sys.argv) == 2 else ""
    if wanted not in COMMANDS:
        sys.exit(f"kind: found {wanted!r}; expected one of {', '.join(COMMANDS)}")
    try:
        from tools.kind import commands  # reads kind-config.yaml, which may be at fault

        getattr(commands, wanted)()
    except MillraceError as error:
        sys.exit(f"kind: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("kind: interrupted; `make kind-up` goes on where it was\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
