"""One connection serves all requests; it ends, and comes back, without an answer going astray."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hiredis
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from serving.predictor.lookup import resp
from serving.predictor.lookup.resp import RedisClient, RedisDown, RedisPlace, packed

Answer = Callable[[list[bytes]], bytes | None]


@dataclass
class Redis:
    """A server that answers each command as it is told; None ends the connection."""

    answer: Answer
    commands: list[list[bytes]] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        reader: Any = hiredis.Reader()
        alive = True
        while alive and (data := await stream.read(65_536)):
            reader.feed(data)
            while alive and (command := reader.gets()) is not False:
                self.commands.append(command)
                answer = self.answer(command)
                alive = answer is not None
                writer.write(answer or b"")
        writer.close()


@asynccontextmanager
async def server(answer: Answer, security: ssl.SSLContext | None = None) -> AsyncIterator[Redis]:
    made = Redis(answer)
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=security)
    made.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield made


def echo(command: list[bytes]) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(command[1]), command[1])


def play(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def client_of(redis: Redis, timeout: float = 5.0, **more: Any) -> RedisClient:
    return RedisClient(RedisPlace("127.0.0.1", redis.port, **more), timeout)


def test_everyone_gets_the_answers_to_what_they_asked() -> None:
    async def test() -> None:
        async with server(echo) as redis:
            client = client_of(redis)
            await client.start()

            async def ask(number: int) -> list[bytes]:
                texts = [b"%d.%d" % (number, turn) for turn in range(number % 3 + 1)]
                commands = b"".join(packed(b"ECHO", text) for text in texts)
                assert list(await client.ask(commands, len(texts))) == texts
                return texts

            await asyncio.gather(*map(ask, range(200)))
            assert redis.connections == 1
            await client.close()

    play(test)


def test_whoever_stops_waiting_does_not_disturb_the_others() -> None:
    async def test() -> None:
        async with server(echo) as redis:
            client = client_of(redis)
            await client.start()
            gone = asyncio.create_task(client.ask(packed(b"ECHO", b"gone"), 1))
            stays = asyncio.create_task(client.ask(packed(b"ECHO", b"stays"), 1))
            await asyncio.sleep(0)
            gone.cancel()
            assert await stays == [b"stays"]
            assert await client.ask(packed(b"ECHO", b"later"), 1) == [b"later"]
            await client.close()

    play(test)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    async def test() -> None:
        late = asyncio.Event()

        def answer(command: list[bytes]) -> bytes:
            if command[1] == b"slow":
                late.set()
                return b""
            return echo([b"", b"slow"]) + echo(command)

        async with server(answer) as redis:
            client = client_of(redis, timeout=0.05)
            await client.start()
            with pytest.raises(RedisDown, match="no answer in 50 ms"):
                await client.ask(packed(b"ECHO", b"slow"), 1)
            assert late.is_set()
            assert await client.ask(packed(b"ECHO", b"next"), 1) == [b"next"]
            assert redis.connections == 1
            await client.close()

    play(test)


def test_a_connection_that_stays_silent_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resp, "SILENCE", 0.02)

    async def test() -> None:
        async with server(
            lambda command: b"" if redis.connections == 1 else echo(command)
        ) as redis:
            client = client_of(redis, timeout=0.02)
            await client.start()
            async with asyncio.timeout(20):
                while True:
                    try:
                        assert await client.ask(packed(b"ECHO", b"x"), 1) == [b"x"]
                        break
                    except RedisDown:
                        await asyncio.sleep(0.005)
            assert redis.connections > 1
            await client.close()

    play(test)


def test_a_connection_that_ended_meanwhile_costs_no_answer() -> None:
    async def test() -> None:
        ends = {b"1": 1}

        def answer(command: list[bytes]) -> bytes | None:
            return None if ends.pop(command[1], 0) else echo(command)

        async with server(answer) as redis:
            client = client_of(redis)
            await client.start()
            assert await client.ask(packed(b"ECHO", b"1"), 1) == [b"1"]
            assert redis.connections == 2
            await client.close()

    play(test)


def test_the_connection_begins_with_password_and_database() -> None:
    async def test() -> None:
        async with server(lambda c: echo(c) if c[0] == b"ECHO" else b"+OK\r\n") as redis:
            client = client_of(redis, db=3, username="anna", password="p,=")
            assert await client.ask(packed(b"ECHO", b"x"), 1) == [b"x"]
            assert redis.commands[:2] == [[b"AUTH", b"anna", b"p,="], [b"SELECT", b"3"]]
            await client.close()

    play(test)


def test_a_wrong_password_is_told_without_it() -> None:
    async def test() -> None:
        async with server(lambda _: b"-WRONGPASS invalid username-password pair\r\n") as redis:
            client = client_of(redis, password="secret")
            for _ in range(2):
                with pytest.raises(RedisDown, match="WRONGPASS") as told:
                    await client.ask(packed(b"ECHO", b"x"), 1)
                assert "secret" not in str(told.value)
            await client.close()

    play(test)


def test_what_does_not_speak_as_redis_is_down() -> None:
    async def test() -> None:
        async with server(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as web:
            client = client_of(web)
            await client.start()
            with pytest.raises(RedisDown, match="does not speak as Redis does"):
                await client.ask(packed(b"ECHO", b"x"), 1)
            await client.close()

    play(test)


def test_answers_that_nobody_asked_for_end_the_connection() -> None:
    async def test() -> None:
        async with server(lambda command: 2 * echo(command)) as redis:
            client = client_of(redis)
            assert await client.ask(packed(b"ECHO", b"1"), 1) == [b"1"]
            assert await client.ask(packed(b"ECHO", b"2"), 1) == [b"2"]
            assert redis.connections == 2
            await client.close()

    play(test)


def test_an_encrypted_connection_holds_the_server_to_its_certificate(tmp_path: Path) -> None:
    trusted, other = certificate(tmp_path / "trusted"), certificate(tmp_path / "other")
    security = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    security.load_cert_chain(trusted)

    async def test() -> None:
        async with server(echo, security) as redis:
            client = client_of(redis, tls=True, ca_certs=str(trusted))
            assert await client.ask(packed(b"ECHO", b"x"), 1) == [b"x"]
            await client.close()
            client = client_of(redis, tls=True, ca_certs=str(other))
            with pytest.raises(RedisDown, match=r"(?i)certificate"):
                await client.start()
            await client.close()

    play(test)


def certificate(file: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(secret + made.public_bytes(pem))
    return file


def test_a_redis_that_is_not_there_is_down() -> None:
    async def test() -> None:
        async with server(echo) as gone:
            pass
        client = client_of(gone)
        with pytest.raises(RedisDown):
            await client.start()
        with pytest.raises(RedisDown):
            await client.ask(packed(b"ECHO", b"x"), 1)
        await client.close()

    play(test)
