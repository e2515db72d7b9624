from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import mlops_assets.gates
import mlops_assets.media.probing.probe
from mlops_assets.gates import GATES, Admission, Limits, admit, captured_at_from_name

MODIFIED = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def write_photo(path, exif_time=None):
    exif = Image.Exif()
    if exif_time:
        exif.get_ifd(34665)[36867] = exif_time
    Image.fromarray(np.full((6, 9, 3), 90, np.uint8)).save(path, format="JPEG", exif=exif)
    return path


def write_clip(path, name="mp4"):
    import av

    with av.open(str(path), "w", format=name) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(8):
            image = np.full((48, 64, 3), number * 30, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode())
    return path


def write_sound(path):
    import wave

    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", ""))
        sound.writeframes(bytes(8_000))
    return path


def admitted(path, name="x.bin", sidecar=None, limits=None) -> Admission:
    limits = limits or Limits()
    return admit(path, name=name, sidecar=sidecar, modified_at=MODIFIED, limits=limits)


def holding(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("write", "kind"), [(write_photo, "image"), (write_clip, "video"), (write_sound, "audio")]
)
def test_a_good_file_is_let_in_by_its_bytes_whatever_its_name(tmp_path, write, kind):
    found = admitted(write(tmp_path / "a"), name="labels.csv.pdf")
    assert (found.kind, found.status, found.reason) == (kind, "accepted", "")
    assert found.probe is not None
    assert found.mime == found.probe.mime


def test_sound_is_registered_and_says_that_nothing_reads_it(tmp_path):
    found = admitted(write_sound(tmp_path / "a"))
    assert found.flags == ("audio_not_read",)
    assert found.message == "Registered and measured; nothing tells what it says yet."


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (bytes(99), "blank"),
        (b"\0\xff\xfe" * 33, "unknown_kind"),
        (b"\xff\xd8\xff\xe0\0\0", "unreadable"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "unreadable"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99), "unsupported_format"),
    ],
)
def test_a_bad_file_is_quarantined_with_what_a_person_reads(tmp_path, raw, reason):
    found = admitted(holding(tmp_path / "a", raw), name="IMG_20261105_101500.jpg")
    assert (found.status, found.reason, found.probe) == ("quarantined", reason, None)
    assert found.message.startswith(GATES[reason].says)
    assert found.size_bytes == len(raw)
    assert found.captured_at_from == "name"


def test_limits_on_bytes_go_by_the_kind(tmp_path):
    photo = write_photo(tmp_path / "a")
    assert admitted(photo, limits=Limits(max_bytes=10)).reason == "too_many_bytes"
    assert admitted(photo, limits=Limits(max_image_bytes=10)).reason == "too_many_bytes"
    assert admitted(photo, limits=Limits(max_document_bytes=10)).status == "accepted"
    assert admitted(photo, limits=Limits(max_pixels=53)).reason == "too_many_pixels"


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    assert admitted(tmp_path).reason == "not_a_file"
    os.mkfifo(tmp_path / "pipe")
    assert admitted(tmp_path / "pipe").reason == "not_a_file"


def test_a_file_that_is_gone_is_no_verdict_on_its_bytes(tmp_path):
    with pytest.raises(FileNotFoundError):
        admitted(tmp_path / "gone")


def test_the_capture_time_is_the_first_that_is_known_of_five(tmp_path):
    plain, tagged = write_photo(tmp_path / "a"), write_photo(tmp_path / "b", "2026:03:03 03:03:03")
    name, sidecar = "VID_20260202_020202.jpg", b'{"captured_at": "2026-01-01T01:01:01Z"}'
    assert admitted(tagged, name, sidecar).captured_at_from == "sidecar"
    assert admitted(tagged, name).captured_at == datetime(2026, 3, 3, 3, 3, 3, tzinfo=UTC)
    assert admitted(tagged, name).captured_at_from == "exif"
    assert admitted(plain, name).captured_at == datetime(2026, 2, 2, 2, 2, 2, tzinfo=UTC)
    assert admitted(plain, name).captured_at_from == "name"
    assert (admitted(plain).captured_at, admitted(plain).captured_at_from) == (MODIFIED, "file")


def test_the_file_time_is_given_in_utc(tmp_path):
    local = datetime(2026, 11, 21, 9, 0, tzinfo=timezone(timedelta(hours=1)))
    for modified_at in (local, MODIFIED.replace(tzinfo=None)):
        found = admit(
            write_photo(tmp_path / "a"),
            name="a",
            sidecar=None,
            modified_at=modified_at,
            limits=Limits(),
        )
        assert (found.captured_at, found.captured_at.tzinfo) == (MODIFIED, UTC)


@pytest.mark.parametrize(
    ("sidecar", "code"),
    [
        (b"{", "invalid_json"),
        (b"[1]", "not_an_object"),
        (b'{"tags": 3}', "bad_field"),
        (b'{"a": "' + b"x" * 2_000_000 + b'"}', "too_large"),
    ],
)
def test_a_bad_sidecar_never_costs_the_file(tmp_path, sidecar, code):
    found = admitted(write_photo(tmp_path / "a"), sidecar=sidecar)
    assert (found.status, found.sidecar) == ("accepted", None)
    assert found.sidecar_problem.startswith(f"{code}: ")


def test_a_labels_file_is_read_and_its_bad_lines_are_told(tmp_path):
    path = holding(tmp_path / "a", b"path,label\na.jpg,cat\n,dog\n")
    found = admitted(path, name="camera/labels.csv")
    assert (found.kind, found.status, found.flags) == ("labels", "accepted", ("bad_label_line",))
    assert found.labels is not None
    assert [line.label for line in found.labels.lines] == ["cat"]
    assert found.message == "1 lines left out; the first is 3: path is blank; expected a text"
    assert admitted(path, name="my-labels.csv").kind == "document"


def test_a_labels_file_without_columns_is_quarantined(tmp_path):
    found = admitted(write_photo(tmp_path / "a"), name="labels.csv")
    assert (found.kind, found.reason) == ("labels", "bad_labels_file")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_have_a_verdict_whatever_was_damaged(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    write, source = data.draw(
        st.sampled_from([(write_photo, "photo"), (write_clip, "clip"), (write_sound, "sound")])
    )
    whole = folder / source
    raw = bytearray((whole if whole.exists() else write(whole)).read_bytes())
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=30)
    ):
        raw[place] = value
    damaged = holding(folder / "damaged", bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    found = admitted(damaged)
    assert found.status == ("quarantined" if found.reason else "accepted")
    assert {found.reason, *found.flags} - {""} <= set(GATES)


def test_every_reason_given_in_the_code_is_in_the_table():
    rooms = [
        Path(mlops_assets.gates.__file__).parent,
        Path(mlops_assets.media.probing.probe.__file__).parent,
    ]
    files = [*rooms[0].glob("*.py"), *rooms[1].glob("prob*.py")]
    given_codes = {
        code for file in files for code in re.findall(r'reason="(\w+)"', file.read_text("utf-8"))
    }
    assert given_codes
    assert given_codes <= set(GATES)
    assert all(code == gate.code for code, gate in GATES.items())


@pytest.mark.parametrize(
    "name",
    [
        "IMG_20261105_101500.jpg",
        "VID_20261105_101500.mp4",
        "VID-20261105-101500.mp4",
        "2026-11-05T10-15-00.mp4",
        "2026-11-05 10.15.00.jpg",
        "2026-11-05T10:15:00Z.jpg",
        "Screenshot 2026-11-05 at 10.15.00.png",
        "20261105101500.jpg",
        "20261105T101500Z.ts",
        "camera/99999999_999999/cam1_20261105_101500_01.ts",
        "20261399_101500_then_20261105_101500.jpg",
    ],
)
def test_a_time_in_the_name_is_found(name):
    assert captured_at_from_name(name) == datetime(2026, 11, 5, 10, 15, tzinfo=UTC)


def test_milliseconds_in_the_name_are_kept():
    moment = datetime(2026, 11, 5, 10, 15, 0, 123_000, tzinfo=UTC)
    assert captured_at_from_name("PXL_20261105_101500123.jpg") == moment


@pytest.mark.parametrize(
    "name",
    ["", "clip.mp4", "IMG-20261105-WA0001.jpg", "120261105101500.jpg", "20261305_101500.jpg"],
)
def test_a_name_without_a_time_of_day_tells_nothing(name):
    assert captured_at_from_name(name) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4_000_000_000))
def test_a_time_written_into_a_name_is_read_back(seconds):
    moment = datetime.fromtimestamp(seconds, UTC)
    for pattern in (
        "a_%Y%m%d_%H%M%S.jpg",
        "%Y-%m-%dT%H-%M-%S",
        "x%Y%m%d%H%M%S",
        "%Y.%m.%d %H.%M.%S",
    ):
        assert captured_at_from_name(moment.strftime(pattern)) == moment
