"""A steady load on a gateway, and what it met with."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Load:
    """What a steady load met with: how often each answer came, and by which version."""

    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    longest: float = 0.0

    @property
    def lost(self) -> int:
        """Return how many requests had no good answer."""
        return sum(self.statuses.values()) - self.statuses[200]


@contextmanager
def load_at(
    port: int, host: str, path: str, body: Any, *, clients: int, pause: float
) -> Iterator[Load]:
    """Send requests all the while, on connections that are kept; status 0 is a lost one."""
    found = Load()
    lock, over = threading.Lock(), threading.Event()
    content = json.dumps(body)

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not over.is_set():
            began = time.monotonic()
            try:
                connection.request("POST", path, content, {"host": host})
                answer = connection.getresponse()
                said = answer.read()
                status, version = answer.status, answer.headers.get("x-model-version", "")
            except (OSError, http.client.HTTPException) as error:
                status, version, said = 0, "", repr(error).encode()
                connection.close()
            with lock:
                found.statuses[status] += 1
                found.versions[version] += 1
                found.longest = max(found.longest, time.monotonic() - began)
                if status != 200:
                    found.problems.append(f"{time.time():.3f}: {status} {said[:200]!r}")
            over.wait(pause)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        over.set()
        for thread in threads:
            thread.join()
