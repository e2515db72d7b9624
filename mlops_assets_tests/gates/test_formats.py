"""What `docs/gates.md` says is read, line by line, on a file rendered for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mlops_assets.gates import GATES
from mlops_assets.gates.checking.one_file import Work, judge_file
from mlops_assets_tests.gates import rendered as r
from mlops_assets_tests.gates.gates_page import gates_as_markdown

PAGE = (Path(__file__).parents[2] / "docs" / "gates.md").read_text("utf-8")
MIRRORED = [-(1 << 16), 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30]
GERMAN = "Grüße aus München, wo die Straßen größer sind als anderswo.\n" * 4
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю.\n" * 4
JAPANESE = "いろはにほへとちりぬるを、日本語の文章です。東京は大きな都市です。\n" * 4
MPEG2_INTERLACED = {"flags": "+ildct+ilme"}
HDR = "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"


def without_frames(path):
    r.write_clip(path, "mpeg4", "avi")
    stored = path.read_bytes()
    path.write_bytes(stored[: stored.index(b"movi") + 4])


def of_subtitles(path):
    media = r.box(b"mdia", r.box(b"hdlr", bytes(8), b"text", bytes(13)))
    track = r.box(b"trak", r.box(b"tkhd", bytes(84)), media)
    head = r.box(b"mvhd", bytes(12), (1000).to_bytes(4, "big"), bytes(84))
    path.write_bytes(r.box(b"ftyp", b"isom", bytes(4)) + r.box(b"moov", head, track))


def edit_list(path):
    r.write_clip(path)  # H.264 with B-frames: the first frame is shown late, and a list says so
    assert b"elst" in path.read_bytes()


def heic(path):
    path.write_bytes(r.heic(path.parent))


def damaged_heic(path):
    path.write_bytes(r.heic(path.parent)[:200])


def noisy(path):
    r.write_clip(path, "mpeg4", "mp4", noise=60, settings={"g": "5"}, muxing=FAST)


FAST = {"movflags": "faststart"}
CASES = {
    "MP4, MOV, 3GP, fragmented MP4": [
        r.clip(),
        r.clip(form="mov"),
        r.clip(form="3gp"),
        r.clip(muxing={"movflags": "frag_keyframe+empty_moov"}),
    ],
    "Matroska, WebM": [r.clip(form="matroska"), r.clip("libvpx", "webm")],
    "AVI, FLV, WMV, NUT, MXF": [
        r.clip("mpeg4", "avi"),
        r.clip("flv", "flv"),
        r.clip("wmv2", "asf"),
        r.clip("mpeg4", "nut"),
        r.clip("mpeg2video", "mxf"),
    ],
    "MPEG-TS, M2TS, MPEG-PS": [
        r.clip(form="mpegts"),
        r.clip(form="mpegts", muxing={"mpegts_m2ts_mode": "1"}),
        r.clip("mpeg2video", "mpeg"),
    ],
    "raw H.264": [r.clip(form="h264")],
    "raw H.265": [r.clip("libx265", "hevc", settings=r.QUIET)],
    "raw MPEG-4, MPEG-2": [r.clip("mpeg4", "m4v"), r.clip("mpeg2video", "mpeg2video")],
    "Motion JPEG without a container": [r.clip("mjpeg", "mjpeg", "yuvj420p")],
    "IVF, Y4M": [r.clip("libvpx", "ivf"), r.clip("wrapped_avframe", "yuv4mpegpipe")],
    "10-bit and 4:4:4 video": [r.clip(pixels="yuv420p10le"), r.clip(pixels="yuv444p")],
    "HDR video": [r.clip("libx265", pixels="yuv420p10le", settings={"x265-params": HDR})],
    "interlaced video": [r.clip("mpeg2video", "mpeg", settings=MPEG2_INTERLACED)],
    "video with transparency": [r.clip("png", "mov", "rgba")],
    "rotated or mirrored video": [r.clip("mpeg4", matrix=MIRRORED)],
    "edit list": [edit_list],
    "variable frame rate": [
        r.clip("mpeg4", "matroska", count=5, times=[0, 40, 300, 333, 1000]),
    ],
    "times that go back": [r.clip(form="avi")],
    "video, end missing": [r.cut(noisy, 0.7), r.cut(r.clip("mpeg4", "matroska"), 0.7)],
    "video, damaged inside": [r.damaged(noisy)],
    "MP4 without its index": [r.cut(r.clip(), 0.5)],
    "container with no streams": [r.raw(r.box(b"ftyp", b"isom", bytes(4)) + r.box(b"moov"))],
    "container with subtitles only": [of_subtitles],
    "stream with no frames": [without_frames],
    "10 000 frames a second": [r.clip("mpeg4", rate=10_000)],
    "sound": [r.write_sound],
    "JPEG, PNG, WebP, AVIF, BMP, TIFF": [
        r.picture(form=form) for form in ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "TIFF")
    ],
    "JPEG 2000, PPM, ICO, Targa, PCX, SGI, QOI": [
        r.picture(form=form) for form in ("JPEG2000", "PPM", "ICO", "TGA", "PCX", "SGI", "QOI")
    ],
    "HEIC": [heic],
    "damaged HEIC": [damaged_heic],
    "animated GIF, PNG, WebP, AVIF": [r.moving(form) for form in ("GIF", "PNG", "WEBP", "AVIF")],
    "multi-page TIFF": [r.moving("TIFF")],
    "Motion Photo": [r.motion_photo],
    "CMYK, CIELAB, palette, 1-bit": [
        r.picture("CMYK", "JPEG"),
        r.picture("LAB", "TIFF"),
        r.picture("P"),
        r.picture("1"),
    ],
    "16-bit": [r.picture("I;16"), r.picture("I;16", "TIFF")],
    "transparency": [r.picture("RGBA"), r.picture("RGBA", "WEBP"), r.picture("LA")],
    "EXIF orientation": [r.raw(r.photo(exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6"))],
    "embedded ICC profile": [r.raw(r.photo(icc_profile=r.profile()))],
    "profile that is none": [r.raw(r.photo(icc_profile=b"no profile at all"))],
    "JPEG or PNG, end missing": [
        r.cut(r.raw(r.photo()), 0.5),
        r.cut(r.raw(r.photo(progressive=True)), 0.5),
        r.cut(r.picture(), 0.7),
    ],
    "image, next to nothing left": [
        r.cut(r.picture(form="BMP"), 0.04),
        r.cut(r.picture(form="PPM"), 0.04),
    ],
    "PNG or JPEG, damaged inside": [
        r.damaged(r.raw(r.photo())),
        r.damaged(r.picture(), share=0.01),
    ],
    "pixel bomb": [r.raw(r.pixel_bomb())],
    "camera raw": [r.camera_raw],
    "JPEG XL, Photoshop, SVG": [
        r.raw(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50)),
        r.raw(b"8BPS\0\1" + bytes(50)),
        r.raw(b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ],
    "PDF with text": [r.raw(r.pdf())],
    "PDF of pictures": [r.picture(form="PDF"), r.raw(r.pdf(text=""))],
    "PDF that asks for a password": [r.raw(r.locked_pdf())],
    "PDF of which nothing is left": [r.raw(b"%PDF-1.7\n" + bytes(200))],
    "HTML, Markdown, plain text": [
        r.raw(b"<html><body>words</body></html>"),
        r.raw(b"# A\n\n- word\n"),
        r.raw(b"word"),
    ],
    "text in UTF-16, Shift JIS, KOI8-R, ISO-2022-JP": [
        r.raw(GERMAN.encode("utf-16")),
        r.raw(JAPANESE.encode("shift_jis")),
        r.raw(RUSSIAN.encode("koi8-r")),
        r.raw(JAPANESE.encode("iso2022_jp")),
    ],
    "Word, Excel, EPUB, OpenDocument, RTF": [
        r.zipped({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}),
        r.zipped({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}),
        r.zipped({"mimetype": "application/epub+zip"}),
        r.zipped({"mimetype": "application/vnd.oasis.opendocument.text"}),
        r.raw(b"{\\rtf1 words}"),
        r.raw(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    ],
    "PostScript": [r.raw(b"%!PS-Adobe-3.0\nshowpage\n")],
    "ZIP, tar, gzip, bzip2, xz, 7z, RAR": [
        r.zipped({"a.txt": "words"}),
        r.raw(b"a.txt".ljust(257, b"\0") + b"ustar".ljust(255, b"\0")),
        r.raw(b"\x1f\x8b\x08" + bytes(30)),
        r.raw(b"BZh91AY&SY" + bytes(30)),
        r.raw(b"\xfd7zXZ\0" + bytes(30)),
        r.raw(b"7z\xbc\xaf\x27\x1c" + bytes(30)),
        r.raw(b"Rar!\x1a\7\1\0" + bytes(30)),
    ],
    "no bytes": [r.raw(b"")],
    "zeros, white space": [r.raw(bytes(500)), r.raw(b" \n\t\n")],
    "other bytes": [r.raw(np.random.default_rng(8).bytes(3000))],
}
LINES = {
    cells[0].strip(): cells[1].strip(" `")
    for line in PAGE.partition("## What is read")[2].partition("## When")[0].splitlines()
    if len(cells := line.strip("|").split("|")) == 3 and "--" not in line
}


def test_the_page_lists_every_gate_as_it_is():
    shown = PAGE.partition("gates_page -->\n")[2].partition("\n\n<!-- end")[0]
    assert shown == gates_as_markdown()


def test_every_line_of_the_page_has_its_file():
    assert set(CASES) == set(LINES) - {"a file"}


@pytest.mark.parametrize(
    ("line", "place"),
    [(line, place) for line, writers in CASES.items() for place in range(len(writers))],
)
def test_a_file_gets_the_verdict_the_page_says(tmp_path, line, place):
    CASES[line][place](tmp_path / "a.bin")
    judged = judge_file(Work(tmp_path, "a.bin", datetime(2026, 11, 21, tzinfo=UTC)))
    fatal = [one.code for one in judged.findings if one.is_fatal]
    expected = LINES[line]
    if expected == "accepted":
        assert fatal == []
        of_the_format = {one.code for one in judged.findings if GATES[one.code].stage != "screen"}
        assert of_the_format <= {"interlaced", "audio_not_read"}
    elif GATES[expected].severity == "quarantine":
        assert fatal[:1] == [expected]
    else:
        assert fatal == []
        assert expected in {one.code for one in judged.findings}
    assert all(one.message for one in judged.findings)
