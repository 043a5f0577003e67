"""A registry that does not answer, or answers nonsense; the sockets and files are real."""

import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from millrace.errors import RegistryError
from millrace.registry import find_champion, open_registry
from millrace.registry.mlflow_client import address, database_file
from millrace.settings import Settings

END = b"\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>"


def read_request(connection: socket.socket) -> None:
    """Read a request to its end: a server that leaves a part unread resets the connection."""
    with connection.makefile("rb") as stream:
        length = 0
        while line := stream.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        stream.read(length)


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """Give the host and port of a server that gives one answer, or (None) accepts and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection = listening.accept()[0]
                except OSError:
                    return
                kept.append(connection)
                if answer is not None:
                    read_request(connection)
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def asked(settings: Settings, made) -> list[Callable[[], object]]:
    bundle, registry = made.bundle(), open_registry(settings)
    return [
        lambda: registry.champion("pumps"),
        lambda: registry.candidates("pumps"),
        registry.names,
        lambda: registry.version("pumps", 1),
        lambda: registry.find("pumps", model="a", snapshot="b"),
        lambda: find_champion("pumps", "auto", settings),
        lambda: registry.register(
            bundle,
            "s3://millrace/x",
            run="run-1",
            params={},
            evaluation=made.evaluation,
            verdict=made.verdict,
        ),
    ]


def lines(settings: Settings, made, calls: slice = slice(None)) -> set[str]:
    told = set()
    for ask in asked(settings, made)[calls]:
        with pytest.raises(RegistryError) as raised:
            ask()
        told.add(str(raised.value))
    assert not any("\n" in line or "secret" in line for line in told)
    return told


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "did not answer within 1 s"),
        (b"HTTP/1.1 500 Internal Server Error" + END, "HTTP status 500"),
        (b"HTTP/1.1 401 Unauthorized" + END, "error code 401"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html" + END, "not in a valid JSON format"),
        (b"", "closed connection without response"),
        (b"SSH-2.0-OpenSSH_9\r\n", "BadStatusLine"),
    ],
    ids=["silent", "HTTP 500", "HTTP 401", "HTML", "hangs up", "no HTTP"],
)
def test_a_server_that_does_not_do_its_work_is_told_in_one_line(tmp_path, made, answer, told):
    with server(answer) as host:
        settings = Settings(home=tmp_path, mlflow_uri=f"http://me:secret@{host}", timeout=1)
        first_and_last = slice(None, None, 6 if answer is None else 1)
        for line in lines(settings, made, first_and_last):
            assert line.startswith(f"http://{host}: the model registry ")
            assert told in line
            assert "MILLRACE_MLFLOW_URI" in line


def test_a_port_where_nobody_listens_is_told_in_one_line(tmp_path, made):
    with socket.socket() as taken:  # bound, but it does not listen
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
        settings = Settings(home=tmp_path, mlflow_uri=uri, timeout=1)
        (line,) = lines(settings, made)
        assert line.startswith(f"{uri}: the model registry refuses the connection;")


def test_a_file_that_is_no_database_is_told_in_one_line_and_kept(settings, made):
    settings.home.mkdir()
    file = settings.home / "mlflow.db"
    file.write_text("this is no database, only text of some length")
    for line in lines(settings, made):
        assert line.startswith(f"sqlite:///{file}: the model registry is no SQLite database;")
    assert file.read_text().startswith("this is no database")


def test_a_folder_in_place_of_the_database_is_told_in_one_line(settings, made):
    (settings.home / "mlflow.db").mkdir(parents=True)
    for line in lines(settings, made):
        assert "mlflow.db: the model registry does not do as asked" in line


def test_a_damaged_database_is_told_in_one_line(local, made):
    file = local.home / "mlflow.db"
    content = bytearray(file.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    file.write_bytes(content)
    for line in lines(local, made):
        assert "mlflow.db: the model registry does not do as asked" in line


def test_a_database_of_another_mlflow_is_told_in_one_line(local, made):
    with closing(sqlite3.connect(local.home / "mlflow.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        database.commit()
    for line in lines(local, made):
        assert "out-of-date database schema" in line


def test_a_database_that_another_program_holds_is_told_in_one_line(local, made):
    with closing(sqlite3.connect(local.home / "mlflow.db")) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        for line in lines(local.model_copy(update={"timeout": 0.2}), made):
            assert "was locked by another program for 0.2 s" in line
    assert asked(local, made)[-1]().outcome == "registered"  # type: ignore[attr-defined]


def test_a_home_that_cannot_be_made_is_told_in_one_line(tmp_path, made):
    (tmp_path / "home").write_text("a file")
    settings = Settings(home=tmp_path / "home", timeout=1)
    with pytest.raises(RegistryError, match=r"mlflow\.db: the model registry does not do as asked"):
        asked(settings, made)[-1]()


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://me:secret@host:5000", "http://host:5000"),
        ("postgresql://me:s%40cret@host/db", "postgresql://host/db"),
        ("https://token@host/mlflow", "https://host/mlflow"),
        ("sqlite:////tmp/a@b/mlflow.db", "sqlite:////tmp/a@b/mlflow.db"),
    ],
)
def test_an_address_is_shown_without_credentials(uri, shown):
    assert address(Settings(mlflow_uri=uri)) == shown


def test_a_server_has_no_database_file():
    assert database_file(Settings(mlflow_uri="http://host")) is None
    assert database_file(Settings(mlflow_uri="sqlite:////a/b.db")) == Path("/a/b.db")
