"""Fetching over HTTP from a server that means no good, or whose line is bad."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.landing import Item, Scratch
from mlops_assets.landing.connectors.manifest import ManifestConnector
from mlops_assets.landing.connectors.web import Web, host_of, without_query
from mlops_assets_tests.landing.connectors.servers import Files, send, serving

BODY = bytes(range(256)) * 4000


def scratch(tmp_path: Path, *, seconds: float = 60, max_bytes: int = 10_000_000) -> Scratch:
    return Scratch(tmp_path / "bytes", max_bytes, time.monotonic() + seconds)


def web(server: Files, **options) -> Web:
    return Web((server.host,), allow_private=True, **options)


def reason_of(call) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return caught.value.reason


def redirect(to: str):
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def cut(after: int, body: bytes = BODY):
    """Answer with all the right headers, and hang up in the middle."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        whole = handler.wfile.write
        left = [after]

        def write(data: bytes) -> int:
            part = data[: left[0]] if len(data) > 1000 else data
            left[0] -= len(part) if len(data) > 1000 else 0
            return whole(part)

        handler.wfile.write = write  # type: ignore[method-assign]
        send(handler, body)
        handler.close_connection = True

    return answer


def test_a_broken_download_goes_on_where_it_stopped(server: Files, tmp_path: Path):
    server.answers["/a"] = cut(400_000)
    file = web(server).download(f"{server.url}/a", scratch(tmp_path))
    assert file.read_bytes() == BODY
    assert [h.get("Range") for _, _, h in server.asked] == [None, "bytes=400000-", "bytes=800000-"]


def test_what_changed_meanwhile_is_fetched_anew(server: Files, tmp_path: Path):
    server.answers["/a"] = cut(1000)
    with pytest.raises(TransientError):
        web(server).download(f"{server.url}/a", scratch(tmp_path))
    assert 0 < (tmp_path / "bytes").stat().st_size < len(BODY)
    del server.answers["/a"]
    server.files["/a"] = b"another"
    assert web(server).download(f"{server.url}/a", scratch(tmp_path)).read_bytes() == b"another"


def test_a_later_try_uses_what_an_earlier_one_left(server: Files, tmp_path: Path):
    server.answers["/a"] = cut(100_000)
    with pytest.raises(TransientError):
        web(server).download(f"{server.url}/a", scratch(tmp_path))
    left = (tmp_path / "bytes").stat().st_size
    del server.answers["/a"]
    server.files["/a"] = BODY
    assert web(server).download(f"{server.url}/a", scratch(tmp_path)).read_bytes() == BODY
    assert server.asked[-1][2]["Range"] == f"bytes={left}-"


def test_bytes_without_end_are_cut_off(server: Files, tmp_path: Path):
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x" * 100_000)

    server.answers["/a"] = endless
    limited = scratch(tmp_path, max_bytes=1_000_000)
    assert reason_of(lambda: web(server).download(f"{server.url}/a", limited)) == "too_large"
    assert (tmp_path / "bytes").stat().st_size <= 1_000_000


def test_a_size_that_is_announced_is_refused_at_once(server: Files, tmp_path: Path):
    server.files["/a"] = BODY
    limited = scratch(tmp_path, max_bytes=1000)
    assert reason_of(lambda: web(server).download(f"{server.url}/a", limited)) == "too_large"
    assert not (tmp_path / "bytes").exists()


def test_time_is_bounded_however_slowly_bytes_come(server: Files, tmp_path: Path):
    server.files["/a"] = BODY
    with pytest.raises(TransientError, match="in time"):
        web(server).download(f"{server.url}/a", scratch(tmp_path, seconds=-1))


def test_silence_is_bounded(server: Files):
    let_go = threading.Event()

    def be_silent(handler: BaseHTTPRequestHandler) -> None:
        let_go.wait(30)

    server.answers["/a"] = be_silent
    with pytest.raises(TransientError, match=r"(?i)timed? ?out"):
        web(server, quiet_s=0.05).get(f"{server.url}/a")
    let_go.set()


def test_private_addresses_are_refused_unless_they_are_meant(server: Files):
    server.files["/a"] = b"secret of the network"
    url = f"{server.url}/a"
    assert reason_of(lambda: Web((server.host,)).get(url)) == "address_refused"
    assert server.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1%eth0",
     "0.0.0.0", "224.0.0.1", "100.64.0.1", "192.168.1.1", "fd00::1"],
)  # fmt: skip
def test_no_private_address_passes(address: str):
    assert reason_of(lambda: Web(()).require_allowed(address)) == "address_refused"
    Web((), allow_private=True).require_allowed(address)


def test_public_addresses_pass():
    for address in ("93.184.216.34", "2606:2800:220:1::1"):
        Web(()).require_allowed(address)


def test_redirects_stay_on_the_hosts_that_are_allowed(server: Files, tmp_path: Path):
    with serving() as other:
        other.files["/b"] = b"there"
        server.answers["/a"] = redirect(f"{other.url}/b")
        url = f"{server.url}/a"
        assert reason_of(lambda: web(server).get(url)) == "host_refused"
        assert other.asked == []
        both = Web((server.host, other.host), allow_private=True, token="t0ken")
        assert both.download(url, scratch(tmp_path)).read_bytes() == b"there"
        assert server.asked[-1][2]["Authorization"] == "Bearer t0ken"
        assert "Authorization" not in other.asked[-1][2]


@pytest.mark.parametrize("to", ["/a", "file:///etc/passwd", "gopher://x/", "//user:pw@h/", ""])
def test_redirects_lead_nowhere_else(server: Files, to: str):
    server.answers["/a"] = redirect(to)
    url = f"{server.url}/a"
    assert reason_of(lambda: web(server).get(url)) in ("redirected", "host_refused")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://h/x", "http://", "http://[", "http://h:99999/", "javascript:1",
     "http://elsewhere/", "\x00", "http://h\r\nX: y/"],
)  # fmt: skip
def test_what_is_no_url_of_the_host_is_one_bad_item(server: Files, url: str):
    assert reason_of(lambda: web(server).get(url)) == "host_refused"


def test_line_breaks_and_odd_letters_in_a_url_stay_in_the_url(server: Files):
    server.files["/a é\r\nX-Evil: 1"] = b"odd"
    answer = web(server).get(f"{server.url}/a é%0D%0AX-Evil: 1")
    assert b"".join(answer.chunks()) == b"odd"
    answer.close()
    assert "X-Evil" not in server.asked[-1][2]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, "vanished"), (410, "vanished"), (403, "refused"), (418, "bad_answer")],
)
def test_a_refusal_is_one_bad_item(server: Files, status: int, expected: str):
    server.answers["/a"] = lambda handler: handler.send_error(status)
    assert reason_of(lambda: web(server).get(f"{server.url}/a")) == expected


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(server: Files, status: int, tmp_path: Path):
    server.answers["/a"] = lambda handler: handler.send_error(status)
    with pytest.raises(TransientError):
        web(server).download(f"{server.url}/a", scratch(tmp_path))
    assert len(server.asked) == 3


def test_credentials_in_a_url_are_refused_and_never_shown():
    with pytest.raises(ConfigurationError) as caught:
        host_of("https://user:pa55@host/x")
    assert "pa55" not in str(caught.value)
    assert without_query("https://user:pa55@host/x?sig=abc") == "https://host/x"


def items(connector: ManifestConnector) -> dict[str, Item]:
    return {one.name: one for page in connector.list_since(None) for one in page.items}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("list.json", b'[{"url": "a.jpg", "size_bytes": 3, "modified_at": "2026-11-20T07:00:00"}]'),
        ("list.csv", b"\xef\xbb\xbfurl,size,modified_at\r\na.jpg,3,2026-11-20 07:00:00Z\r\n"),
        (
            "list.json",
            b'{"items": [{"href": "/a.jpg", "size": "3", "updated_at": "20261120T07Z"}]}',
        ),
    ],
)
def test_manifests_say_what_they_know(server: Files, name: str, body: bytes):
    server.files[f"/{name}"] = body
    (one,) = items(ManifestConnector(f"{server.url}/{name}", allow_private=True)).values()
    assert (one.name, one.size_bytes, one.etag) == ("a.jpg", 3, None)
    assert one.modified_at is not None
    assert one.modified_at.isoformat() == "2026-11-20T07:00:00+00:00"
    assert one.locator == f"{server.url}/a.jpg"


def test_a_list_of_plain_urls_has_a_name_each(server: Files):
    server.files["/list.txt"] = b"# mine\n\nd/a%20b.jpg\nhttps://h/c.jpg?sig=1\n"
    found = items(ManifestConnector(f"{server.url}/list.txt", allow_private=True))
    assert list(found) == ["a b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b'{"item": []}', b"7", b"\xff\xfe", b"null"]
)
def test_a_manifest_that_is_none_is_for_the_operator(server: Files, body: bytes):
    server.files["/list.json"] = body
    with pytest.raises(ConfigurationError, match="the list is no json"):
        items(ManifestConnector(f"{server.url}/list.json", allow_private=True))


def test_an_entry_that_is_none_costs_its_neighbours_nothing(server: Files):
    server.files["/list.json"] = b'[7, null, {}, {"url": "http://["}, {"name": "x"}, "good.jpg"]'
    connector = ManifestConnector(f"{server.url}/list.json", allow_private=True)
    assert "good.jpg" in items(connector)


def test_an_unchanged_list_costs_one_request(server: Files):
    server.files["/list.txt"] = b"a.jpg\nb.jpg\n"
    connector = ManifestConnector(f"{server.url}/list.txt", allow_private=True)
    (page,) = connector.list_since(None)
    assert list(connector.list_since(page.cursor)) == []
    server.files["/list.txt"] += b"c.jpg\n"
    (page,) = connector.list_since(page.cursor)
    assert len(page.items) == 3


def test_links_out_of_the_folder_are_not_followed(server: Files):
    server.files["/pub/x/a.jpg"] = b"a"
    server.files["/pub/"] = b"<a href='x/'><a href='/etc/'><a href='../up'><a href='http://o/'>"
    server.answers["/pub/"] = lambda handler: send(handler, server.files["/pub/"], kind="text/html")
    found = items(ManifestConnector(f"{server.url}/pub/", allow_private=True))
    assert list(found) == ["x/a.jpg"]
