"""Servers of every kind that senders use, started by the tests, and pulls from them that do not wait long."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ingestion.pull.patience import Patience
from ingestion.pull.session import PullReport, pull
from ingestion.sender import Sender
from warehouse.landing import Landing, Receipt
from warehouse.paths import Home

SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")


def entry(*sources: dict[str, Any], **more: Any) -> Sender:
    """An entry of a sender with some sources."""
    contact = {"name": "Filing desk", "email": "filings@dala.example"}
    values = {"sender": "test_dala", "title": "Test operator", "contact": contact, "sources": list(sources)}
    return Sender.model_validate(values | more)


def quick(rate_per_minute: int | None, stalled_s: float = 60.0) -> Patience:
    """Tries that follow one another at once, on servers that are asked as often as tests like."""
    return Patience(None, tries=4, first_wait_s=0.01, jitter_s=0.0, longest_wait_s=0.5, stalled_s=stalled_s)


def pulled(home: Home, *sources: dict[str, Any], **more: Any) -> PullReport:
    """Pull from some sources."""
    more.setdefault("patience", quick)
    return pull(home, [entry(*sources)], **more)


def landed(home: Home) -> dict[str, tuple[bytes, Receipt]]:
    """What has been pulled: content and receipt by name."""
    landing = Landing(home)
    return {r.file_name: (landing.path(r).read_bytes(), r) for r in landing.pulled()}


# --- HTTP that drops, stalls, throttles and lies ------------------------------------------------------------------


@dataclass
class Resource:
    """A file on the server. Each request takes the next of `troubles`; after them it is served as it should be."""

    body: bytes
    etag: str | None = '"1"'
    modified: str | None = None
    troubles: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    has_ranges: bool = True


@dataclass
class Request:
    """A request as it came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at: float
    status: int = 0


class WebServer:
    """An HTTP server of files, with `answers` of services beside them: functions of the query by path."""

    def __init__(self, certificate: Path | None = None) -> None:
        """Start it; with a certificate and its key in one file it speaks TLS and nothing else."""
        self.files: dict[str, Resource] = {}
        self.answers: dict[str, Any] = {}
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {
                    name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
                }
                request = Request(parts.path, query, dict(self.headers), time.monotonic())
                outer.requests.append(request)
                if parts.path in outer.answers:
                    status, body, headers = outer.answers[parts.path](query)
                    self._send(request, status, body, headers)
                elif parts.path in outer.files:
                    self._serve(request, outer.files[parts.path])
                else:
                    self._send(request, 404, b"", {})

            def _serve(self, request: Request, file: Resource) -> None:
                trouble = file.troubles.pop(0) if file.troubles else ""
                kind, _, told = trouble.partition(":")
                marks = {k: v for k, v in (("ETag", file.etag), ("Last-Modified", file.modified)) if v}
                headers = {"Content-Type": "text/csv"} | marks | file.headers
                if kind == "status":
                    status, _, wait = told.partition(",")
                    return self._send(request, int(status), b"", {"Retry-After": wait} if wait else {})
                asked = self.headers.get("If-None-Match") or self.headers.get("If-Modified-Since")
                if asked is not None and asked in (file.etag, file.modified):
                    return self._send(request, 304, b"", marks)
                body, status = file.body, 200
                wanted = self.headers.get("Range")
                if wanted and file.has_ranges and self.headers.get("If-Range") in (file.etag, file.modified):
                    begin = int(wanted.removeprefix("bytes=").rstrip("-"))
                    if begin >= len(body):
                        return self._send(request, 416, b"", {})
                    end = len(body)
                    if kind == "wrong_range":
                        begin = 0
                    elif kind == "short_range":
                        end = begin + int(told)
                    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(body)}"
                    body, status = body[begin:end], 206
                return self._send(request, status, body, headers, kind, told)

            def _send(
                self, request: Request, status: int, body: bytes, headers: dict[str, str], kind: str = "",
                told: str = "",
            ) -> None:  # fmt: skip
                request.status = status
                self.send_response(status)
                length = len(body) + (int(told) if kind == "lies" else 0)
                if kind != "endless":
                    headers = headers | {"Content-Length": str(length)}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[: int(told)] if kind in ("drop", "stall") else body)
                self.wfile.flush()
                if kind == "stall":
                    time.sleep(30)
                if kind:
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def uri(self) -> str:
        """Root of the server."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def asked(self, path: str) -> list[Request]:
        """Requests for a path."""
        return [request for request in self.requests if request.path == path]

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def write_certificate(path: Path, host: str = "127.0.0.1", days: int = 1) -> Path:
    """A certificate of its own for a host, with its key, in one file; `days` below 0 for one that ran out."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=10))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


# --- SFTP: OpenSSH's own server behind a listener of asyncssh -------------------------------------------------------


@dataclass(frozen=True)
class SftpServer:
    """A running server: where it listens, and its host key."""

    port: int
    host_key: str
    user: str = "qamtu"
    password: str = "p4ss-of-the-operator"
    connections: list[int] = field(default_factory=list)


@contextlib.contextmanager
def sftp_server(drop_after_bytes: list[int] | None = None) -> Iterator[SftpServer]:
    """OpenSSH's sftp-server; each of the first connections is cut after so many bytes of answers."""
    drops = drop_after_bytes if drop_after_bytes is not None else []
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    started = threading.Event()
    made: list[SftpServer] = []

    class Session(asyncssh.SSHServerSession[bytes]):
        """One SFTP session: bytes to and from a process of sftp-server."""

        def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
            self._channel, self._left = chan, drops.pop(0) if drops else None
            self._tasks: list[asyncio.Future[None]] = []
            made[0].connections.append(1)

        def subsystem_requested(self, subsystem: str) -> bool:
            return subsystem == "sftp"

        def session_started(self) -> None:
            self._process = asyncio.create_task(
                asyncio.create_subprocess_exec(
                    str(SFTP_SERVER), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
                )
            )
            self._answering = asyncio.create_task(self._answer())

        def data_received(self, data: bytes, datatype: int | None) -> None:
            self._tasks.append(asyncio.ensure_future(self._pass_on(data)))

        def connection_lost(self, exc: Exception | None) -> None:
            self._tasks.append(asyncio.ensure_future(self._end()))

        async def _pass_on(self, data: bytes) -> None:
            running = await self._process
            assert running.stdin is not None
            running.stdin.write(data)

        async def _end(self) -> None:
            with contextlib.suppress(ProcessLookupError):
                (await self._process).kill()

        async def _answer(self) -> None:
            running = await self._process
            assert running.stdout is not None
            while data := await running.stdout.read(32768):
                if self._left is not None:
                    self._left -= len(data)
                    if self._left < 0:
                        self._channel.get_connection().abort()
                        return
                with contextlib.suppress(BrokenPipeError):
                    self._channel.write(data)

    class Login(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def session_requested(self) -> Session:
            return Session()

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (SftpServer.user, SftpServer.password)

    async def run() -> None:
        listener = await asyncssh.create_server(Login, "127.0.0.1", 0, server_host_keys=[key], encoding=None)
        made.append(SftpServer(listener.get_port(), key.export_public_key().decode().strip()))
        started.set()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(run(), loop).result(timeout=10)
    yield made[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=5)
