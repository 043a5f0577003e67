import asyncio
import socket
from pathlib import Path

import pytest
from traffic_servers import answer, answering, serving

from millrace.errors import ServingError
from millrace.settings import Settings
from serving.local.instance import only_platform
from serving.local.state import PlatformState, state_file
from serving.traffic.model import served_model
from serving.traffic.target import Target, target_of

SETTINGS = Settings(home=Path("nowhere"), gateway_port=8123)
METADATA = (
    b'{"name": "churn", "inputs": [{"name": "tenure", "datatype": "FP32", "shape": [-1, 1]}],'
    b' "properties": {"bundle_digest": "abc", "version": "7"}}'
)


def test_without_a_url_traffic_goes_to_the_gateway_of_this_machine() -> None:
    assert target_of("", "churn", SETTINGS) == Target(
        "127.0.0.1", 8123, "churn.millrace.localhost:8123"
    )


def test_a_platform_on_another_port_is_found_without_being_told_the_port_again(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path, gateway_port=8123)
    with only_platform(settings):
        PlatformState(pid=1, started=0.0, gateway_port=9000).write(state_file(settings))
        assert target_of("", "churn", settings).port == 9000
    assert target_of("", "churn", settings).port == 8123


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://10.0.0.7:81", Target("10.0.0.7", 81, "10.0.0.7:81")),
        ("http://models.example", Target("models.example", 80, "models.example")),
        ("http://a.localhost:9/x/", Target("127.0.0.1", 9, "a.localhost:9", "/x")),
        ("http://[::1]:9", Target("::1", 9, "[::1]:9")),
    ],
)
def test_a_url_says_where_and_under_which_name(url: str, target: Target) -> None:
    assert target_of(url, "churn", SETTINGS) == target


@pytest.mark.parametrize(
    "url",
    [
        "https://a:1",
        "a:1",
        "a",
        "http://",
        "http://a:port",
        "http://a:99999",
        "http://ä",
        "http://a/b c",
        "http://a\r\nx: y",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ServingError, match="--url: is no address of a gateway; found"):
        target_of(url, "churn", SETTINGS)


def test_a_password_in_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(ServingError, match=r"found 'https://models\.example'"):
        target_of("https://ada:secret@models.example", "churn", SETTINGS)


def test_the_served_model_says_its_bundle_and_inputs() -> None:
    async def ask() -> None:
        async with serving(answering(answer("200 OK", METADATA))) as target:
            model = await served_model(target, "churn")
        assert model.digest == "abc"
        assert model.types == {"tenure": "FP32"}

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (answer("404 Not Found", b"{}"), "is not served here; found status 404; release it first"),
        (answer("200 OK", b"<html>"), "are not those of a Millrace predictor"),
        (answer("200 OK", b'{"inputs": []}'), "are not those of a Millrace predictor"),
        (b"", "closed without an answer"),
    ],
)
def test_a_server_without_the_model_is_told_of(reply: bytes, told: str) -> None:
    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)

    async def ask() -> None:
        async with serving(exchange) as target:
            await served_model(target, "churn")

    with pytest.raises(ServingError, match=told):
        asyncio.run(ask())


def test_nobody_there_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        target = Target("127.0.0.1", taken.getsockname()[1], "churn.localhost")
        with pytest.raises(ServingError, match=r"nobody answers.*millrace up"):
            asyncio.run(served_model(target, "churn"))
