"""Fetch over HTTP from hosts that may be trusted no further than they must.

Addresses are judged after the connection is made, so that no name can resolve to one address when
it is checked and to another when it is used. Redirects lead to allowed hosts only. Bytes come as
they are (`identity`), so nothing unpacks on the way.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from mlops_assets.errors import ConfigurationError, InputError, MlopsError, TransientError
from mlops_assets.landing.connectors.connector import Scratch

_CHUNK = 1 << 18
_REDIRECTS = 5
_TRIES = 3
_GONE = (404, 410)
_REFUSED = (401, 403, 407, 451)
_QUOTED = "/%:@!$&'()*+,;=~[]"


@dataclass(frozen=True)
class Web:
    """Who may be asked, and how.

    Args:
        hosts: names that may be asked, with a port where it is not the usual one.
        allow_private: whether a host may have an address that is not public (loopback, a company
            network, a cloud's metadata service).
        token: sent as a bearer token, to the first of `hosts` only.
        quiet_s: longest silence of the other side.
    """

    hosts: tuple[str, ...]
    allow_private: bool = False
    token: str = field(default="", repr=False)
    quiet_s: float = 30.0

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> Answer:
        """Ask for a URL and follow allowed redirects; the body is not read yet.

        Raises:
            InputError: it is no URL of an allowed host (`host_refused`), is not there
                (`vanished`), is not for us (`refused`), or leads in a circle (`redirected`).
            TransientError: no answer, or one of a server in trouble.
        """
        for _ in range(_REDIRECTS):
            connection = self._connect(url)
            try:
                response = self._ask(connection, url, dict(headers or {}), method)
            except (OSError, http.client.HTTPException) as err:
                connection.close()
                raise TransientError(f"{without_query(url)}: {_brief(err)}") from err
            except MlopsError:
                connection.close()
                raise
            answer = Answer(url, response.status, response, connection)
            if response.status not in (301, 302, 303, 307, 308):
                return self._accepted(answer)
            answer.close()
            target = urljoin(url, response.headers.get("Location", ""))
            if url.startswith("https:") and not target.startswith("https:"):
                raise InputError(f"{without_query(url)} leads out of https", reason="redirected")
            url = target
        raise InputError(f"{without_query(url)}: over {_REDIRECTS} redirects", reason="redirected")

    def download(self, url: str, scratch: Scratch) -> Path:
        """Fetch the bytes of a URL; a broken connection goes on where it stopped, if it can.

        Raises:
            InputError: as `get`; `too_large`.
            TransientError: it did not come through in a few tries, or not in time; what came stays.
        """
        mark = scratch.file.with_name("etag")
        for left in reversed(range(_TRIES)):
            try:
                return self._download(url, scratch, mark)
            except TransientError:
                if not left or time.monotonic() > scratch.deadline:
                    raise
        raise TransientError(f"{without_query(url)} did not come through")

    def _download(self, url: str, scratch: Scratch, mark: Path) -> Path:
        have = scratch.file.stat().st_size if scratch.file.exists() and mark.exists() else 0
        headers = {"Range": f"bytes={have}-", "If-Range": mark.read_text()} if have else {}
        with closing(self.get(url, headers=headers)) as answer:
            goes_on = answer.status == 206 and answer.starts_at == have
            have = have if goes_on else 0
            scratch.require_room(have + (answer.size_bytes or 0))
            if answer.etag and not answer.etag.startswith("W/"):
                mark.write_text(answer.etag)
            else:
                mark.unlink(missing_ok=True)
            file = scratch.write(answer.chunks(), keep_bytes=have)
            if answer.size_bytes is not None and file.stat().st_size != have + answer.size_bytes:
                raise TransientError(f"{without_query(url)} broke off")
            return file

    def _connect(self, url: str) -> http.client.HTTPConnection:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as err:
            raise InputError(f"{without_query(url)}: {err}", reason="host_refused") from err
        if parts.scheme not in ("http", "https") or parts.netloc.lower() not in self.hosts:
            raise InputError(
                f"{without_query(url)} is no http(s) URL of {', '.join(self.hosts)}",
                reason="host_refused",
            )
        kind = _PlainConnection if parts.scheme == "http" else _SecureConnection
        return kind(host, port, timeout=self.quiet_s, guard=self)

    def _ask(
        self, connection: http.client.HTTPConnection, url: str, headers: dict[str, str], method: str
    ) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers |= {"Accept-Encoding": "identity", "User-Agent": "mlops-assets"}
        if self.token and parts.netloc.lower() == self.hosts[0]:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, quote(path, f"{_QUOTED}?"), headers=headers)
        return connection.getresponse()

    def _accepted(self, answer: Answer) -> Answer:
        """The answer, if it brings what was asked for."""
        if answer.status in (200, 206, 304):
            return answer
        answer.close()
        status = answer.status
        told = f"{without_query(answer.url)}: {status} {answer.response.reason}"
        if status in (408, 416, 425, 429) or status >= 500:
            raise TransientError(told)
        reason = (
            "vanished" if status in _GONE else "refused" if status in _REFUSED else "bad_answer"
        )
        raise InputError(told, reason=reason)

    def require_allowed(self, address: str) -> None:
        """Refuse an address that is not public.

        Raises:
            InputError: `address_refused`.
        """
        found = ipaddress.ip_address(address.partition("%")[0])
        real = getattr(found, "ipv4_mapped", None) or found
        if not self.allow_private and (not real.is_global or real.is_multicast):
            raise InputError(
                f"{address} is no public address; set allow_private if it is meant",
                reason="address_refused",
            )


@dataclass(frozen=True)
class Answer:
    """An answer whose body is not read yet."""

    url: str
    status: int
    response: http.client.HTTPResponse
    connection: http.client.HTTPConnection

    @property
    def etag(self) -> str | None:
        """What the server says changes with the bytes."""
        return self.response.headers.get("ETag")

    @property
    def mark(self) -> str | None:
        """The ETag, else time and size; None when the server tells neither."""
        told = [self.response.headers.get(name) for name in ("Last-Modified", "Content-Length")]
        return self.etag or ("|".join(filter(None, told)) if told[0] else None)

    @property
    def kind(self) -> str:
        """The media type, without parameters."""
        return self.response.headers.get_content_type()

    @property
    def size_bytes(self) -> int | None:
        """Bytes of the body, as announced."""
        told = self.response.headers.get("Content-Length", "")
        return int(told) if told.isdecimal() else None

    @property
    def starts_at(self) -> int | None:
        """Where the bytes of a partial answer begin."""
        told = self.response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")
        return int(told[0]) if told[0].isdecimal() else None

    def chunks(self) -> Iterator[bytes]:
        """The body, as it comes.

        Raises:
            TransientError: the connection broke.
        """
        try:
            while chunk := self.response.read1(_CHUNK):
                yield chunk
        except (OSError, http.client.HTTPException) as err:
            raise TransientError(f"{without_query(self.url)}: {_brief(err)}") from err

    def close(self) -> None:
        """Close the connection."""
        self.response.close()
        self.connection.close()


class _PlainConnection(http.client.HTTPConnection):
    """A connection whose other end is judged before anything is said."""

    def __init__(self, host: str, port: int | None, *, timeout: float, guard: Web) -> None:
        super().__init__(host, port, timeout=timeout)
        self.guard = guard

    def connect(self) -> None:
        """Connect, and look who answers."""
        sock = socket.create_connection((self.host, self.port), self.timeout)
        try:
            self.guard.require_allowed(sock.getpeername()[0])
        except InputError:
            sock.close()
            raise
        self.sock = sock


class _SecureConnection(_PlainConnection):
    """The same, over TLS."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Connect, look who answers, and let it prove its name."""
        super().connect()
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def host_of(url: str) -> str:
    """The host of a URL, with its port where one is named.

    Raises:
        ConfigurationError: it is no http or https URL, or it carries credentials.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{without_query(url)!r} is no URL; expected https://host/path")
    if parts.username or parts.password:
        raise ConfigurationError(f"credentials in a URL of {parts.hostname}; expected a token")
    return parts.netloc.lower()


def without_query(url: str) -> str:
    """A URL that may be shown: without what is signed or secret in it."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"[:500]


def _brief(err: BaseException) -> str:
    return f"{type(err).__name__} {err}".strip()[:300]
