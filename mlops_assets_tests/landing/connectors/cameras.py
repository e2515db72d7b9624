"""A camera that speaks RTSP: one clip, as MPEG-TS in RTP, in the connection of the requests."""

from __future__ import annotations

import base64
import itertools
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

USER, PASSWORD = "viewer", "s3cret"
_TS_BYTES, _TS_A_PACKET = 188, 7
_MPEG_TS = 33  # RTP payload type, RFC 3551
_SESSION = "\r\n".join(
    ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "t=0 0", f"m=video 0 RTP/AVP {_MPEG_TS}", ""]
)
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"


class _Camera(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    clip = b""


class _Viewer(socketserver.StreamRequestHandler):
    """One viewer; see RFC 2326 for the methods, its section 10.12 for interleaved data."""

    def handle(self) -> None:
        try:
            while self._answer():
                pass
        except (ConnectionError, TimeoutError):
            return  # a viewer who hangs up

    def _answer(self) -> bool:
        method = self.rfile.readline().decode().partition(" ")[0]
        headers = dict(self._headers())
        if not method:
            return False
        if method != "OPTIONS" and headers.get("authorization") != _authorization():
            self._say("401 Unauthorized", headers, ['WWW-Authenticate: Basic realm="camera"'])
            return True
        match method:
            case "DESCRIBE":
                self._say("200 OK", headers, ["Content-Type: application/sdp"], _SESSION)
            case "SETUP":
                transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
                self._say("200 OK", headers, [transport, "Session: 1"])
            case "PLAY":
                self._say("200 OK", headers, ["Session: 1"])
                self._play()
                return False
            case _:
                self._say("200 OK", headers, [f"Public: {_METHODS}"])
        return method != "TEARDOWN"

    def _headers(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            yield name.strip().lower(), value.strip()

    def _say(self, status: str, asked: dict[str, str], lines: list[str], body: str = "") -> None:
        told = [f"RTSP/1.0 {status}", f"CSeq: {asked.get('cseq', '0')}", *lines]
        told += [f"Content-Length: {len(body)}"] if body else []
        self.wfile.write(("\r\n".join(told) + "\r\n\r\n" + body).encode())

    def _play(self) -> None:
        assert isinstance(self.server, _Camera)
        size = _TS_BYTES * _TS_A_PACKET
        for number in itertools.count():
            payload = self.server.clip[number * size : (number + 1) * size]
            if not payload:
                return
            header = struct.pack(">BBHII", 0x80, _MPEG_TS, number & 0xFFFF, number, 1)
            self.wfile.write(struct.pack(">cBH", b"$", 0, len(header + payload)) + header + payload)


def _authorization() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@contextmanager
def camera(clip: bytes) -> Iterator[str]:
    """The URL, with user and password, of a camera that shows an MPEG-TS clip to each viewer."""
    with _Camera(("127.0.0.1", 0), _Viewer) as server:
        server.clip = clip
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"rtsp://{USER}:{PASSWORD}@127.0.0.1:{server.server_address[1]}/live"
        server.shutdown()
