"""The collector's command line."""

import pytest

from millrace.errors import ServingError
from serving.events.options import read_options


def test_only_the_folder_must_be_named() -> None:
    options = read_options(["--folder=events"])
    assert (options.host, options.port, options.wait) == ("127.0.0.1", 8080, 30.0)


@pytest.mark.parametrize("argument", ["--wait=0s", "--wait=5", "--port=0", "--port=70000"])
def test_a_value_that_cannot_be_is_named(argument: str) -> None:
    with pytest.raises(ServingError, match=argument.split("=", maxsplit=1)[0]):
        read_options(["--folder=events", argument])
