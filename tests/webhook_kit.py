"""A webhook that listens on this machine and keeps what it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any


@dataclass
class Webhook:
    """A listening webhook: its address, the documents it received, the status it answers with."""

    status: int = 200
    url: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def listening(status: int = 200) -> Iterator[Webhook]:
    """Listen until the block ends."""
    webhook = Webhook(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            webhook.received.append(json.loads(self.rfile.read(length)))
            self.send_response(webhook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is written to the console."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        webhook.url = f"http://127.0.0.1:{server.server_port}/hook?token=secret"
        try:
            yield webhook
        finally:
            server.shutdown()
            thread.join()
