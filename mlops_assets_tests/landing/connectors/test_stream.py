"""A stream that a web server sends: nothing is lost between segments, and each knows its time."""

from __future__ import annotations

import io
import json
import threading
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from mlops_assets.errors import TransientError
from mlops_assets.landing.connectors.recording import Recorder, Recording, record
from mlops_assets.landing.connectors.stream import StreamConnector
from mlops_assets.landing.connectors.web import without_query
from mlops_assets.samples import read_frame_number, render_clip
from mlops_assets_tests.landing.connectors.cameras import PASSWORD, camera
from mlops_assets_tests.landing.connectors.servers import Files

START = datetime(2026, 11, 20, 7, tzinfo=UTC)
FRAMES, RATE = 72, 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Six seconds with a key frame each second, and the frame's number in its pixels."""
    file = tmp_path_factory.mktemp("clip") / "live.ts"
    render_clip(file, frames=FRAMES, rate=Fraction(RATE))
    return file.read_bytes()


@pytest.fixture
def recording(server: Files, clip: bytes, tmp_path: Path) -> Recording:
    server.files["/live.ts"] = clip
    return of(server, tmp_path)


def of(server: Files, tmp_path: Path, **changes) -> Recording:
    told = {"segment_s": 2.0, "segment_bytes": 10**9, "spool_bytes": 10**9, "quiet_s": 5.0}
    url = f"{server.url}/live.ts"
    return Recording(url, url, tmp_path / "spool", **{**told, **changes})


def numbers(segment: Path) -> list[int]:
    import av

    with av.open(str(segment)) as container:
        pictures = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    return [read_frame_number(picture.astype(np.uint8)) for picture in pictures]


def packet_sizes(file: str | IO[bytes]) -> list[int]:
    import av

    with av.open(file, "r") as container:
        return [packet.size for packet in container.demux(video=0) if packet.size]


def sidecar(segment: Path) -> dict:
    return json.loads(segment.with_name(f"{segment.name}.json").read_text())


def test_no_frame_is_lost_or_doubled_between_segments(recording: Recording):
    record(recording, clock=lambda: START)
    segments = recording.segments()
    assert [len(numbers(one)) for one in segments] == [24, 24, 24]
    assert [n for one in segments for n in numbers(one)] == list(range(FRAMES))


def test_a_camera_is_recorded_over_rtsp(clip: bytes, tmp_path: Path):
    with camera(clip) as url:
        shown = without_query(url)
        recording = Recording(url, shown, tmp_path / "spool", 2.0, 10**9, 10**9, 5.0)
        record(recording, clock=lambda: START)
    found = [n for one in recording.segments() for n in numbers(one)]
    assert found == list(range(FRAMES - 1))  # FFmpeg waits for what follows the last one
    assert {PASSWORD in sidecar(one)["stream"] for one in recording.segments()} == {False}


def test_a_camera_that_refuses_is_told_without_its_password(clip: bytes, tmp_path: Path):
    with camera(clip) as url:
        wrong = url.replace(PASSWORD, "guessed")
        recording = Recording(wrong, without_query(wrong), tmp_path / "s", 2.0, 10**9, 10**9, 5.0)
        with pytest.raises(TransientError, match="rtsp://") as refused:
            record(recording, clock=lambda: START)
    assert "guessed" not in str(refused.value)


def test_pictures_are_not_encoded_again(recording: Recording, clip: bytes):
    record(recording, clock=lambda: START)
    kept = [size for one in recording.segments() for size in packet_sizes(str(one))]
    assert kept == pytest.approx(packet_sizes(io.BytesIO(clip)), abs=64)


def test_each_segment_knows_when_it_began(recording: Recording):
    times = iter([START + timedelta(seconds=s) for s in (0, 2.5, 3.9)])
    record(recording, clock=lambda: next(times))
    told = [sidecar(one) for one in recording.segments()]
    began = [datetime.fromisoformat(one["captured_at"]) for one in told]
    assert began == [START + timedelta(seconds=2 * n) for n in range(3)]
    assert [one["duration_s"] for one in told] == pytest.approx([2, 2, 2], abs=0.01)


def test_a_clock_that_jumps_is_followed_and_names_stay_apart(recording: Recording):
    before = START - timedelta(hours=1)
    times = iter([START, before, START])
    record(recording, clock=lambda: next(times))
    began = [datetime.fromisoformat(sidecar(one)["captured_at"]) for one in recording.segments()]
    assert began == [before, START, START]
    assert len({one.name for one in recording.segments()}) == 3


def test_a_stream_that_stalls_loses_no_time(recording: Recording):
    times = iter([START, START + timedelta(seconds=2), START + timedelta(seconds=60)])
    record(recording, clock=lambda: next(times))
    last = recording.segments()[-1]
    assert sidecar(last)["captured_at"] == (START + timedelta(seconds=60)).isoformat()


def test_a_stream_that_breaks_off_keeps_what_came(server: Files, clip: bytes, tmp_path: Path):
    server.files["/live.ts"] = clip[: len(clip) * 3 // 4]
    recording = of(server, tmp_path)
    record(recording, clock=lambda: START)
    found = [n for one in recording.segments() for n in numbers(one)]
    assert len(found) > FRAMES // 2
    assert found == list(range(len(found)))
    assert not list(recording.spool.glob(".*.part"))


@pytest.mark.parametrize("content", [None, b"", b"no stream at all" * 1000])
def test_what_is_no_stream_is_told(server: Files, tmp_path: Path, content: bytes | None):
    if content is not None:
        server.files["/live.ts"] = content
    with pytest.raises(TransientError, match=r"live\.ts"):
        record(of(server, tmp_path), clock=lambda: START)


def test_a_full_spool_pauses_the_recording(server: Files, clip: bytes, tmp_path: Path):
    server.files["/live.ts"] = clip
    recording = of(server, tmp_path, spool_bytes=1)
    with pytest.raises(TransientError, match="recording pauses"):
        record(recording, clock=lambda: START)
    assert len(recording.segments()) == 1


def test_a_segment_is_bounded_in_bytes(server: Files, clip: bytes, tmp_path: Path):
    server.files["/live.ts"] = clip
    recording = of(server, tmp_path, segment_s=3600.0, segment_bytes=len(clip) // 3)
    record(recording, clock=lambda: START)
    assert len(recording.segments()) >= 2
    assert max(one.stat().st_size for one in recording.segments()) < len(clip) / 2


def test_a_playlist_cannot_read_files(server: Files, tmp_path: Path):
    secret = tmp_path / "secret.ts"
    secret.write_bytes(b"G" * 188 * 100)
    server.files["/live.ts"] = f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    with pytest.raises(TransientError):
        record(of(server, tmp_path), clock=lambda: START)


def test_stated_segments_leave_the_spool(recording: Recording):
    record(recording, clock=lambda: START)
    connector = StreamConnector(recording.url, spool=str(recording.spool), listen=False)
    (page,) = connector.list_since(None)
    assert len(page.items) == 6
    assert len(recording.segments()) == 3
    assert list(connector.list_since(page.cursor)) == []
    assert not [one for one in recording.spool.iterdir() if not one.name.startswith(".")]


def test_a_recorder_works_by_itself_and_alone(recording: Recording, server: Files):
    ended, asked_again = threading.Event(), threading.Event()
    answer = server.files.pop("/live.ts")

    def serve_once(handler) -> None:
        if ended.is_set():
            asked_again.set()
            handler.send_error(503)
            return
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(answer)
        ended.set()

    server.answers["/live.ts"] = serve_once
    recording.spool.mkdir(parents=True)
    (recording.spool / ".killed.mkv.part").write_bytes(b"half")
    first, second = Recorder(recording), Recorder(recording)
    first.start()
    assert ended.wait(20)
    second.start()
    second.stop()
    assert asked_again.wait(20)
    first.stop()
    assert [n for one in recording.segments() for n in numbers(one)] == list(range(FRAMES))
    assert not (recording.spool / ".killed.mkv.part").exists()
    assert first.error is not None


def test_passwords_are_not_shown():
    connector = StreamConnector("rtsp://user:pa55@cam.local/live?key=k3y")
    shown = f"{connector} {connector.describe()} {connector.recording.shown}"
    assert connector.describe() == "stream rtsp://cam.local/live"
    assert "pa55" not in shown
    assert "k3y" not in shown
