"""A server on this machine, with every fault that a download meets."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from rapidity.core.registry import Registry
from rapidity.samples.public import PublicDataSet, RemoteFile, downloading, fetching

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(256)) * 1000


class FaultyServer:
    """Serves `content` at any address; `faults` are used up one a request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.content = CONTENT
        self.faults: list[str] = []
        self.requests: list[str] = []

    def address(self, name: str = "events.csv.gz") -> str:
        return f"{self.url}/{name}"


class Handler(BaseHTTPRequestHandler):
    """Answers as the server is told to."""

    def do_GET(self) -> None:
        server = self.server.faulty
        server.requests.append(self.path)
        fault = server.faults.pop(0) if server.faults else ""
        if fault.isdigit():
            self.send_error(int(fault))
            return
        self.send_response(200)
        if fault != "cut without length":
            self.send_header("Content-Length", str(len(server.content)))
        self.end_headers()
        n_sent = len(server.content) // 2 if fault.startswith("cut") else len(server.content)
        self.wfile.write(server.content[:n_sent])

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """Return a running server; pauses between attempts are left out."""
    monkeypatch.setattr(downloading, "PAUSE_S", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.faulty = FaultyServer(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield http.faulty
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def publish(monkeypatch, server):
    """Return a function that publishes a data set `events` of one file and returns its description."""

    def make(*addresses: str, has_checksum: bool = True, size: int | None = len(CONTENT)) -> RemoteFile:
        sha256 = hashlib.sha256(CONTENT).hexdigest() if has_checksum else None
        file = RemoteFile("events.csv.gz", addresses or (server.address(),), size, sha256)
        data_set = PublicDataSet("events", "Events", "free", "this machine", (file,))
        monkeypatch.setattr(fetching, "PUBLIC_DATA_SETS", Registry("data set", {"events": data_set}))
        return file

    return make
