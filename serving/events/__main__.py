"""`python -m serving.events`: keep the prediction events of a cluster."""

from __future__ import annotations

import sys

from millrace.errors import MillraceError
from serving.events.options import read_options
from serving.events.process import serve
from serving.predictor.logs import open_log


def main(arguments: list[str]) -> int:
    """Serve, and return the exit code of the process."""
    log = open_log("info")
    try:
        options = read_options(arguments)
        log = open_log(options.log_level)
        serve(options, log)
    except MillraceError as error:
        log.error("cannot_serve", **error.as_dict())  # noqa: TRY400 -- its one line says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
