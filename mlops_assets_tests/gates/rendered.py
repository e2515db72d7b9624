"""Files whose verdict is known, rendered; each is written to the path it is given."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

WIDTH, HEIGHT, FRAMES = 128, 96, 12
QUIET = {"x265-params": "log-level=none"}


def pictures(count: int = FRAMES, *, noise: int = 0):
    """Moving gradients, RGB; with noise, files become large enough to be damaged in places."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for number in range(count):
        picture = np.stack([columns + 5 * number, 2 * rows, 255 - rows - columns], axis=-1)
        yield ((picture + rng.integers(0, noise + 1, picture.shape)) % 256).astype(np.uint8)


def clip(codec: str = "libx264", form: str = "mp4", pixels: str = "yuv420p", **options: Any):
    """A writer of a clip; `options` are those of `write_clip`."""
    return lambda path: write_clip(path, codec, form, pixels, **options)


def write_clip(
    path: Path,
    codec: str = "libx264",
    form: str = "mp4",
    pixels: str = "yuv420p",
    *,
    rate: Fraction | int = 25,
    count: int = FRAMES,
    noise: int = 0,
    settings: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
    matrix: list[int] | None = None,
    times: list[int] | None = None,
) -> Path:
    """Encode gradients; `times` in milliseconds instead of an even rate."""
    import av

    with av.open(str(path), "w", format=form, options=muxing or {}) as container:
        stream: Any = container.add_stream(codec, rate=rate, options=settings or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        if matrix:
            stream.set_display_matrix(matrix)
        for number, picture in enumerate(pictures(count, noise=noise)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if times:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path) -> Path:
    """Half a second of a tone."""
    import wave

    tone = (8000 * np.sin(np.arange(4000) / 3)).astype("<i2")
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", ""))
        sound.writeframes(tone.tobytes())
    return path


def picture(mode: str = "RGB", form: str = "PNG", **options: Any) -> Callable[[Path], object]:
    """A writer of one picture."""
    return lambda path: an_image(mode).save(path, form, **options)


def an_image(mode: str = "RGB", *, noise: int = 0) -> Image.Image:
    """A gradient in a mode."""
    image = Image.fromarray(next(pictures(1, noise=noise)))
    return image.convert(mode) if mode != "I;16" else image.convert("L").convert("I;16")


def moving(form: str) -> Callable[[Path], object]:
    """A writer of an image of three pictures."""
    turned = [an_image().rotate(30 * turn) for turn in range(3)]
    return lambda path: turned[0].save(path, form, save_all=True, append_images=turned[1:])


def photo(**options: Any) -> bytes:
    """A noisy JPEG of about 30 kB."""
    stored = io.BytesIO()
    an_image(noise=60).save(stored, "JPEG", quality=90, **options)
    return stored.getvalue()


def cut(write: Callable[[Path], object], share: float) -> Callable[[Path], object]:
    """A writer of the first share of what another writes."""

    def write_cut(path: Path) -> None:
        write(path)
        raw = path.read_bytes()
        path.write_bytes(raw[: int(len(raw) * share)])

    return write_cut


def damaged(write: Callable[[Path], object], *, at: float = 0.6, share: float = 0.1):
    """A writer of what another writes with noise in its middle."""

    def write_damaged(path: Path) -> None:
        write(path)
        raw = bytearray(path.read_bytes())
        first, length = int(len(raw) * at), int(len(raw) * share)
        raw[first : first + length] = np.random.default_rng(3).bytes(length)
        path.write_bytes(bytes(raw))

    return write_damaged


def raw(content: bytes) -> Callable[[Path], object]:
    """A writer of bytes."""
    return lambda path: path.write_bytes(content)


def zipped(parts: dict[str, str]) -> Callable[[Path], object]:
    """A writer of a ZIP."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in parts.items():
                archive.writestr(name, text)

    return write


def box(kind: bytes, *parts: bytes) -> bytes:
    """One box of an ISO base media file."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def heic(folder: Path) -> bytes:
    """A HEIC photo: one H.265 picture out of an MP4, put into the boxes of ISO/IEC 23008-12."""
    path = folder / "for-heic.mp4"
    settings = {"x265-params": "log-level=none:keyint=1"}
    write_clip(path, "libx265", count=1, settings=settings)
    stored = path.read_bytes()
    at = stored.index(b"hvcC") - 4
    codec = stored[at : at + int.from_bytes(stored[at : at + 4], "big")]
    import av

    with av.open(str(path)) as container:
        unit = next(bytes(p) for p in container.demux(video=0) if p.size)

    def meta(place: int) -> bytes:
        location = struct.pack(">IBBHHHHII", 0, 0x44, 0x00, 1, 1, 0, 1, place, len(unit))
        entry = box(b"infe", struct.pack(">IHH", 2 << 24, 1, 0), b"hvc1", b"\0")
        size = box(b"ispe", struct.pack(">III", 0, WIDTH, HEIGHT))
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", struct.pack(">IH", 0, 1)),
            box(b"iloc", location),
            box(b"iinf", struct.pack(">IH", 0, 1), entry),
            box(
                b"iprp",
                box(b"ipco", codec, size),
                box(b"ipma", struct.pack(">IIHBBB", 0, 1, 1, 2, 0x81, 2)),
            ),
        )

    head = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    place = len(head) + len(meta(0)) + 8
    return head + meta(place) + box(b"mdat", unit)


def pdf(text: str = "A page that says something in words.") -> bytes:
    """A document of one page with a text layer; without text, of one empty page."""
    shown = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET" if text else ""
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
        "/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(shown)}>>\nstream\n{shown}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    made, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 6\n0000000000 65535 f \n{table}trailer\n<</Size 6/Root 1 0 R>>\n"
    return f"{made}{end}startxref\n{len(made)}\n%%EOF\n".encode()


def locked_pdf() -> bytes:
    """A document that asks for a password."""
    owner, user = "00" * 32, "11" * 32
    rule = f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{owner}>/U<{user}>>>"
    identity = "/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    return pdf().replace(b"/Root 1 0 R", f"/Root 1 0 R{rule}{identity}".encode())


def pixel_bomb() -> bytes:
    """A tiny PNG that claims 60 000 x 60 000 pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk + bytes(4) + b"IDAT" + bytes(4)


def huge_png(side: int) -> bytes:
    """A small file that holds a whole black picture of side x side pixels."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes((3 * side + 1) * side), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def camera_raw(path: Path) -> None:
    """A TIFF whose first picture is a preview of what lies in its sub-directories."""
    extra = Image.Exif()
    extra[254], extra[330] = 1, 8
    an_image().save(path, "TIFF", tiffinfo=extra)


def motion_photo(path: Path) -> None:
    """A photo that says of itself that a clip lies behind it."""
    said = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description GCamera:MotionPhoto="1"/>'
    an_image().save(path, "JPEG", xmp=said + b"</x:xmpmeta>")


def profile() -> bytes:
    """An ICC profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def takeout(**fields: Any) -> bytes:
    """What Google Photos exports beside a picture."""
    told = {
        "title": "IMG_1.jpg",
        "description": "A gate.",
        "photoTakenTime": {"timestamp": "1500000000", "formatted": "14.07.2017"},
        "geoData": {"latitude": 48.1, "longitude": 11.5, "altitude": 500.0},
        "googlePhotosOrigin": {"mobileUpload": {"deviceType": "ANDROID_PHONE"}},
        "tags": 7,
    }
    return json.dumps({**told, **fields}).encode()
