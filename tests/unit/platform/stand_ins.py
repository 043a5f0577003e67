"""Servers that stand in for predictors, and a gateway in front of them."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc

from serving.local.children import Book, Child
from serving.local.gateway import Gateway
from serving.local.ports import free_ports
from serving.local.splits import Endpoint, GatewayConfig, Host, Split, Target

HOST = "pumps.millrace.localhost"


class Handler(BaseHTTPRequestHandler):
    """Answers /code/N with N, /slow/MS after that time, and breaks the connection at /break."""

    protocol_version = "HTTP/1.1"
    broken: set[str] = set()

    def do_GET(self) -> None:
        kind, _, value = self.path.strip("/").partition("/")
        if kind == "slow":
            time.sleep(float(value) / 1000)
        if kind == "break" and value not in self.broken:
            if value:
                self.broken.add(value)  # the next try succeeds
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = str(dict(self.headers)).encode()
        self.send_response(int(value) if kind == "code" else 200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # the client did not wait
            self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        pass


class Calls(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers a call of /x/NAME with the gRPC status NAME."""

    def service(self, details: Any) -> Any:
        code = grpc.StatusCode[details.method.rpartition("/")[2]]

        def answer(_request: bytes, context: Any) -> bytes:
            if code is not grpc.StatusCode.OK:
                context.abort(code, "as asked")
            return b"answer"

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def stand_in() -> Iterator[Endpoint]:
    """Run a server of both protocols."""
    from concurrent.futures import ThreadPoolExecutor

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    calls = grpc.server(ThreadPoolExecutor(4), handlers=[Calls()])
    port = calls.add_insecure_port("127.0.0.1:0")
    calls.start()
    try:
        yield Endpoint(http.server_port, port)
    finally:
        http.shutdown()
        http.server_close()
        calls.stop(None).wait()


def one_host(**weights: int) -> Host:
    """Return a host that splits both protocols alike."""
    split = Split(tuple(Target(arm, weight) for arm, weight in weights.items()), timeout=2)
    return Host("pumps", (HOST,), split, split)


@dataclass
class Running:
    """A gateway that runs."""

    gateway: Gateway
    child: Child

    def get(self, path: str, host: str = HOST) -> tuple[int, bytes]:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        try:
            connection.request("GET", path, headers={"host": host})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def give_up(self, path: str, after: float) -> None:
        """Ask, and go away without an answer after some seconds."""
        with socket.create_connection(("127.0.0.1", self.gateway.port)) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
            time.sleep(after)

    def call(self, status: str) -> str:
        options = [("grpc.default_authority", HOST), ("grpc.enable_retries", 0)]
        with grpc.insecure_channel(f"127.0.0.1:{self.gateway.port}", options=options) as channel:
            try:
                channel.unary_unary(f"/x/{status}")(b"request", timeout=20)
            except grpc.RpcError as error:
                return str(error.code().name)
        return "OK"


@asynccontextmanager
async def a_gateway(folder: Path, config: GatewayConfig) -> AsyncIterator[Running]:
    """Run an Envoy with a configuration."""
    [port] = free_ports(1, set())
    gateway = Gateway(folder / "envoy", port, folder / "gateway.log", Book(folder / "processes"))
    gateway.prepare()
    child = await gateway.start()
    try:
        while not await gateway.answers():
            assert child.alive, (folder / "gateway.log").read_text()
            await asyncio.sleep(0.01)
        await gateway.apply(config)
        yield Running(gateway, child)
    finally:
        await child.end(5)
        gateway.remove_socket()


async def until(condition: Callable[[], Any], deadline: float = 10.0) -> Any:
    """Wait until a coroutine function returns something true, and return that."""
    end = time.monotonic() + deadline
    while not (found := await condition()):
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.01)
    return found
