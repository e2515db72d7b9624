"""Servers on this machine: files over HTTP, S3 as moto plays it, PostgreSQL as installed."""

from __future__ import annotations

import contextlib
import hashlib
import html
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest


class Files:
    """What a small web server serves, and what it was asked for.

    Attributes:
        files: path (with a leading `/`) to content.
        answers: path to a function that answers instead.
        asked: method, path and headers of each request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.host = ""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}"

    def index(self, folder: str) -> bytes:
        """A page of links, as servers make of a folder."""
        inside = {p.removeprefix(folder) for p in self.files if p.startswith(folder)}
        names = {name.partition("/")[0] + ("/" if "/" in name else "") for name in inside}
        links = [f'<a href="{html.escape(quote(n))}">{html.escape(n)}</a>' for n in sorted(names)]
        return "".join(["<a href='../'>up</a><a href='?C=N'>Name</a>", *links]).encode()


@contextlib.contextmanager
def serving() -> Iterator[Files]:
    """A web server that lasts as long as the block."""
    told = Files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            told.asked.append((self.command, self.path, dict(self.headers)))
            if path in told.answers:
                told.answers[path](self)
            elif path in told.files:
                send(self, told.files[path])
            elif path.endswith("/"):
                send(self, told.index(path), kind="text/html")
            else:
                self.send_error(404)

        do_HEAD = do_GET  # noqa: N815 - likewise

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is what the tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, body: bytes, *, kind: str = "") -> None:
    """Answer as a good server does: ETag, type, and a range if one is asked for."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    start = 0
    asked = handler.headers.get("Range")
    if asked and handler.headers.get("If-Range", etag) == etag:
        start = int(asked.removeprefix("bytes=").partition("-")[0])
    handler.send_response(206 if start else 200)
    handler.send_header("ETag", etag)
    handler.send_header("Content-Length", str(len(body) - start))
    handler.send_header("Content-Type", kind or "application/octet-stream")
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    handler.end_headers()
    if handler.command == "GET":
        handler.wfile.write(body[start:])


@contextlib.contextmanager
def playing_s3() -> Iterator[str]:
    """The endpoint of an S3 that moto plays."""
    moto_server = pytest.importorskip("moto.server", reason="moto plays S3")
    server = moto_server.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that lasts as long as the block; skips where none is installed."""
    pytest.importorskip("psycopg2", reason="PostgreSQL's client is not installed")
    found = {name: _postgres_tool(name) for name in ("initdb", "pg_ctl")}
    if not all(found.values()):
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    account = _account()
    with tempfile.TemporaryDirectory(prefix="mlops-pg-") as made:
        folder = Path(made)
        if account:
            shutil.chown(folder, account)

        def call(name: str, *arguments: str) -> None:
            command = [str(found[name]), "-D", str(folder / "data"), *arguments]
            subprocess.run(command, check=True, user=account, cwd="/", stdout=subprocess.DEVNULL)

        call("initdb", "-A", "trust", "-U", "tester", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")


def _postgres_tool(name: str) -> Path | None:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name)
    return places[-1] if places else Path(found) if found else None


def _account() -> str | None:
    """PostgreSQL does not run as root but under an account of its own."""
    if os.getuid():
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return pytest.skip("PostgreSQL does not run as root, and there is no account for it")
