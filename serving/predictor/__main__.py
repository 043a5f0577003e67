"""`python -m serving.predictor`: serve one bundle."""

from __future__ import annotations

import os
import sys

from millrace.errors import MillraceError
from millrace.runs.limits import end_with_parent
from serving.predictor.logs import open_log
from serving.predictor.metrics import CELLS_FILE
from serving.predictor.options import read_options


def main(arguments: list[str]) -> int:
    """Serve, and return the exit code of the process."""
    end_with_parent()
    log = open_log("info")
    try:
        options = read_options(arguments)
        log = open_log(options.log_level, model=options.model_name, version=options.version)
        if options.workers > 1 and CELLS_FILE not in os.environ:
            from serving.predictor.workers import supervise

            return supervise(options, arguments, log)

        from serving.predictor.process import serve

        serve(options, log)
    except MillraceError as error:
        log.error("cannot_serve", **error.as_dict())  # noqa: TRY400 -- its one line says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
