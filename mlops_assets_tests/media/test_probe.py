from __future__ import annotations

import io
import struct
import time
import zlib
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mlops_assets.errors import InputError
from mlops_assets.media.probing.boxes import upright
from mlops_assets.media.probing.packets import BoundedReader
from mlops_assets.media.probing.probe import ProbeLimits, probe_media, sniff_file
from mlops_assets.media.probing.tags import container_place, container_time, exif_time, pdf_time

WIDTH, HEIGHT, FRAMES = 64, 48, 12
CORNERS = np.zeros((8, 16, 3), np.uint8)
CORNERS[0, 0], CORNERS[0, -1], CORNERS[-1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def write_clip(path, codec="mpeg4", *, rate=Fraction(10), matrix=None, tags=None, sound=None):
    import av

    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata.update(tags or {})
        picture: Any = container.add_stream(codec, rate=rate)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if matrix:
            picture.set_display_matrix(matrix)
        voice = container.add_stream(sound, rate=48_000) if sound else None
        for number in range(FRAMES):
            image = np.full((HEIGHT, WIDTH, 3), number * 20, np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(picture.encode())
        if voice:
            write_sound(container, voice)
    return path


def write_sound(container, stream):
    import av

    for number in range(20):
        samples = np.zeros((2, 960), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def write_voice(path, codec):
    import av

    with av.open(str(path), "w") as container:
        write_sound(container, container.add_stream(codec, rate=48_000))
    return path


def write_image(path, *, exif=None, image: np.ndarray = CORNERS, **options):
    Image.fromarray(image).save(path, **({"exif": exif} if exif else {}), **options)
    return path


def probed(path, **limits):
    found = sniff_file(path)
    return probe_media(path, found.kind, mime=found.mime, limits=ProbeLimits(**limits))


def reason(path, **limits):
    with pytest.raises(InputError) as caught:
        probed(path, **limits)
    return caught.value.reason


def png_claiming(width, height):
    header = b"IHDR" + struct.pack(">II", width, height) + b"\x08\2\0\0\0"
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + bytes(4)


@pytest.mark.parametrize(
    ("name", "codec", "mime"),
    [
        ("a.mp4", "mpeg4", "video/mp4"),
        ("a.mov", "mpeg4", "video/quicktime"),
        ("a.mkv", "mpeg4", "video/x-matroska"),
        ("a.webm", "libvpx", "video/webm"),
        ("a.avi", "mpeg4", "video/x-msvideo"),
        ("a.ts", "mpeg4", "video/mp2t"),
    ],
)
def test_a_clip_has_the_size_rate_length_and_frames_it_was_written_with(
    tmp_path, name, codec, mime
):
    probe = probed(write_clip(tmp_path / name, codec))
    assert (probe.kind, probe.mime) == ("video", mime)
    assert (probe.width_px, probe.height_px) == (WIDTH, HEIGHT)
    assert (probe.frame_rate, probe.packet_count) == (Fraction(10), FRAMES)
    assert probe.duration == Fraction(FRAMES, 10)
    assert probe.duration_s == 1.2
    assert (probe.pixel_format, probe.bit_depth) == ("yuv420p", 8)
    assert (probe.has_audio, probe.flags) == (False, ())


def test_a_fractional_rate_stays_exact(tmp_path):
    probe = probed(write_clip(tmp_path / "a.mp4", rate=Fraction(30_000, 1001)))
    assert probe.frame_rate == Fraction(30_000, 1001)
    assert probe.duration == FRAMES * Fraction(1001, 30_000)


def test_sound_beside_the_picture_is_seen(tmp_path):
    probe = probed(write_clip(tmp_path / "a.mp4", sound="aac"))
    assert (probe.kind, probe.has_audio, probe.audio_codec) == ("video", True, "aac")
    assert probe.packet_count == FRAMES


@pytest.mark.parametrize(
    ("name", "codec", "mime"),
    [("a.mp4", "aac", "audio/mp4"), ("a.webm", "libopus", "audio/webm")],
)
def test_a_container_with_sound_only_is_audio(tmp_path, name, codec, mime):
    path = write_voice(tmp_path / name, codec)
    assert sniff_file(path).kind == "video"
    assert (probed(path).kind, probed(path).mime, probed(path).frame_rate) == ("audio", mime, None)
    assert probed(path).duration_s == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_the_display_matrix_is_undone_as_the_decoder_would(tmp_path, turn, sign):
    import av

    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    one = 1 << 16
    matrix = [sign * cos * one, sign * sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30]
    path = write_clip(tmp_path / "a.mp4", matrix=matrix)
    probe = probed(path)
    assert (probe.rotation_deg, probe.is_mirrored) == (turn, sign < 0)
    if sign > 0:
        with av.open(str(path)) as container:
            counter_clockwise = next(container.decode(video=0)).rotation
        assert probe.rotation_deg == -counter_clockwise % 360


@given(st.sampled_from([0, 90, 180, 270]), st.booleans(), st.integers(1, 1 << 16))
@settings(max_examples=30, deadline=None)
def test_a_matrix_made_of_a_mirror_and_a_turn_gives_them_back(turn, is_mirrored, scale):
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    mirror = -1 if is_mirrored else 1
    found = upright(scale * mirror * cos, scale * mirror * sin, -scale * sin, scale * cos)
    assert found == (turn, is_mirrored)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_mirroring_then_turning_makes_a_photo_upright_as_pillow_does(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    path = write_image(tmp_path / name, exif=exif)
    probe = probed(path)
    assert (probe.width_px, probe.height_px) == (16, 8)
    stored = Image.fromarray(CORNERS)
    upright_image = ImageOps.mirror(stored) if probe.is_mirrored else stored
    upright_image = upright_image.rotate(-probe.rotation_deg, expand=True)
    stored.getexif()[274] = orientation
    np.testing.assert_array_equal(upright_image, ImageOps.exif_transpose(stored))


def test_a_photo_tells_when_where_and_with_what_it_was_taken(tmp_path):
    exif = Image.Exif()
    exif[271], exif[272] = "Acme", "Acme One"
    exif.get_ifd(34665).update({36867: "2026:11:05 10:15:00", 36881: "+01:00", 37521: "25"})
    exif.get_ifd(34853).update({1: "S", 2: (33.0, 30.0, 0.0), 3: "E", 4: (18.0, 15.0, 0.0)})
    probe = probed(write_image(tmp_path / "a.jpg", exif=exif))
    assert probe.captured_at == datetime(2026, 11, 5, 9, 15, 0, 250_000, tzinfo=UTC)
    assert probe.captured_at_from == "exif"
    assert (probe.device, probe.gps) == ("Acme One", (-33.5, 18.25))


def test_damaged_exif_costs_the_exif_and_not_the_photo(tmp_path):
    probe = probed(
        write_image(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40)
    )
    assert (probe.kind, probe.captured_at, probe.rotation_deg) == ("image", None, 0)


def test_a_clip_tells_when_it_was_taken(tmp_path):
    tags = {"creation_time": "2026-11-05T10:15:00.000000Z"}
    probe = probed(write_clip(tmp_path / "a.mp4", tags=tags))
    assert probe.captured_at == datetime(2026, 11, 5, 10, 15, tzinfo=UTC)
    assert probe.captured_at_from == "container"


def test_a_container_clock_that_was_never_set_tells_nothing():
    assert container_time({"creation_time": "1970-01-01T00:00:00.000000Z"}) is None
    assert container_time({"creation_time": "1904-01-01T00:00:00.000000Z"}) is None
    assert container_time({"date": "2012"}) is None
    assert exif_time("0000:00:00 00:00:00") is None
    assert exif_time("2026:13:05 10:15:00") is None


def test_times_and_places_of_other_writers_are_read():
    assert pdf_time("D:20261105101500+01'00'") == datetime(2026, 11, 5, 9, 15, tzinfo=UTC)
    assert container_place({"location": "+37.3318-122.0312+010/"}) == (37.3318, -122.0312)
    assert container_place({"location": "+97.3318-122.0312/"}) is None


@pytest.mark.parametrize(
    ("name", "pages"), [("a.gif", 5), ("a.tif", 5), ("a.webp", 5), ("a.png", 5)]
)
def test_pages_of_an_animated_or_multi_page_image_are_counted(tmp_path, name, pages):
    more = [Image.fromarray(np.full_like(CORNERS, 50 * n)) for n in range(1, pages)]
    path = write_image(tmp_path / name, save_all=True, append_images=more)
    assert probed(path).page_count == pages
    assert (probed(path).width_px, probed(path).height_px) == (16, 8)
    assert reason(path, max_pages=pages - 1) == "too_many_pages"


def test_sixteen_bits_are_sixteen_bits(tmp_path):
    gray = np.zeros((4, 4), np.uint16)
    assert probed(write_image(tmp_path / "a.png", image=gray)).bit_depth == 16
    assert probed(write_image(tmp_path / "a.tif", image=gray)).bit_depth == 16
    assert probed(write_image(tmp_path / "b.png")).bit_depth == 8


@pytest.mark.parametrize("side", [12_000, 30_000, 2**31 - 1])
def test_a_header_claiming_too_many_pixels_is_refused_before_any_is_allocated(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_claiming(side, side))
    assert reason(path) == "too_many_pixels"


def test_a_picture_between_the_warning_of_pillow_and_the_limit_is_taken(tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(png_claiming(9_500, 9_500))
    assert probed(path).width_px == 9_500


def test_a_frame_outside_a_small_gif_screen_counts_as_its_size(tmp_path):
    path = tmp_path / "bomb.gif"
    image = b"\x2c" + struct.pack("<4HB", 0, 0, 65_535, 65_535, 0) + b"\2\1\0\0"
    path.write_bytes(b"GIF89a" + struct.pack("<2H", 1, 1) + b"\0\0\0" + image + b";")
    assert reason(path) == "too_many_pixels"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_pixels": 1_000}, "too_many_pixels"),
        ({"max_duration_s": 1.0}, "too_long"),
        ({"max_rate_hz": 5.0}, "impossible_rate"),
        ({"max_packets": 5}, "too_many_packets"),
    ],
)
def test_a_clip_over_a_limit_is_refused_with_the_reason(tmp_path, limits, code):
    assert reason(write_clip(tmp_path / "a.mp4"), **limits) == code


def test_counting_that_stops_at_a_limit_says_so_and_gives_no_count(tmp_path):
    probe = probed(write_clip(tmp_path / "a.ts"), max_packets=5)
    assert (probe.packet_count, probe.flags) == (None, ("packets_cut_off",))


def test_a_reader_pretends_to_end_when_its_budget_is_spent():
    reader = BoundedReader(io.BytesIO(bytes(100)), 30)
    assert len(reader.read(20)) == 20
    assert reader.seek(10**18) == 100
    reader.seek(0)
    assert len(reader.read(20)) == 10
    assert reader.is_spent
    assert reader.read(20) == b""


def test_a_clip_cut_in_its_frames_is_taken_and_flagged(tmp_path):
    path = tmp_path / "a.avi"
    whole = write_clip(path).read_bytes()
    path.write_bytes(whole[: (whole.index(b"movi") + whole.index(b"idx1")) // 2])
    probe = probed(path)
    assert probe.packet_count is not None
    assert 0 < probe.packet_count < FRAMES
    assert probe.flags == ("packets_missing",)


def test_a_table_of_millions_of_samples_is_refused_before_it_is_built(tmp_path):
    path = write_clip(tmp_path / "a.mp4")
    raw = bytearray(path.read_bytes())
    table = raw.index(b"stsz")
    raw[table + 12 : table + 16] = struct.pack(">I", 178_000_000)
    path.write_bytes(raw)
    assert reason(path) == "too_many_packets"


def test_a_playlist_is_text_and_opens_no_other_file(tmp_path):
    path = tmp_path / "list.mp4"
    clip = write_clip(tmp_path / "a.mp4")
    for text in (f"#EXTM3U\n#EXTINF:1,\n{clip}\n", f"ffconcat version 1.0\nfile {clip}\n"):
        path.write_text(text)
        assert sniff_file(path).kind == "document"
        with pytest.raises(InputError) as caught:
            probe_media(path, "video")
        assert caught.value.reason == "unreadable"


def test_a_document_has_its_pages_and_its_password_is_asked_for(tmp_path):
    path = tmp_path / "a.pdf"
    pages = [Image.fromarray(CORNERS) for _ in range(3)]
    created = time.struct_time((2026, 11, 5, 10, 15, 0, 0, 0, 0))
    pages[0].save(path, save_all=True, append_images=pages[1:], creationDate=created)
    assert probed(path).page_count == 3
    assert probed(path).captured_at == datetime(2026, 11, 5, 10, 15, tzinfo=UTC)
    assert reason(path, max_pages=2) == "too_many_pages"
    locked = (
        b"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O(" + b"o" * 32 + b")/U(" + b"u" * 32 + b")>>"
    )
    identity = b"/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    path.write_bytes(path.read_bytes().replace(b"trailer\n<<", b"trailer\n<<" + locked + identity))
    assert reason(path) == "encrypted"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (bytes(200), "blank"),
        (b"\0\xff\xfe" * 70, "unknown_kind"),
        (b"%PDF-1.4 and nothing", "unreadable"),
        (b"\0\0\0\x18ftypisom" + bytes(300), "unreadable"),
        (b"\xff\xd8\xff\xe0", "unreadable"),
        (b"\0\0\0\x18ftypheic" + bytes(300), "unreadable"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(300), "unsupported_format"),
        (b"GIF89a", "unreadable"),
    ],
)
def test_broken_files_have_a_reason(tmp_path, raw, code):
    path = tmp_path / "a"
    path.write_bytes(raw)
    assert reason(path) == code


def test_a_text_has_its_media_type_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("hello")
    assert probed(path).mime == "text/plain"
    assert probe_media(path, "document") == probed(path)


def test_probing_decodes_no_pixel(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)
    for name in ("a.png", "a.jpg", "a.tif", "a.webp"):
        stored = io.BytesIO()
        with monkeypatch.context() as allowed:
            allowed.undo()
            Image.fromarray(CORNERS).save(
                stored, format=Image.registered_extensions()[Path(name).suffix]
            )
        (tmp_path / name).write_bytes(stored.getvalue())
        assert probed(tmp_path / name).width_px == 16
