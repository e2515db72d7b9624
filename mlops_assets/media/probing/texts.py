"""Free text out of headers: what people, and whoever wants to be read, write into media files."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

MAX_TEXTS = 100
MAX_TEXT_CHARS = 10_000

_MIN_CHARS = 8
_BINARY_KEYS = frozenset(("exif", "icc_profile", "photoshop", "mpoffset", "mp"))
_ENCODED = ((b"ASCII\0\0\0", "utf-8"), (b"UNICODE\0", "utf-16"), (b"JIS\0\0\0\0\0", "shift_jis"))
_WIDE_TAGS = range(40091, 40096)
_MAX_CHUNKS = 10_000
_COMPRESSED_BYTES = 100_000


def bounded_texts(tags: Iterable[Mapping[Any, Any]]) -> tuple[str, ...]:
    """The texts among tags, each once.

    Args:
        tags: of EXIF directories, containers, text chunks: any key, any value.

    Returns:
        Texts of at least 8 characters, without trailing zeros; at most 100, cut to 10,000
        characters. Bytes count where they are text; EXIF's notes on their encoding are heeded.
    """
    texts: dict[str, None] = {}
    for key, value in (pair for one in tags for pair in one.items()):
        text = _text(key, value)
        if len(text) >= _MIN_CHARS:
            texts[text] = None
        if len(texts) == MAX_TEXTS:
            break
    return tuple(texts)


def png_texts(path: Path, image_format: str | None) -> Iterator[dict[str, bytes]]:
    """The text chunks of a PNG, also behind its pixels; nothing of any other format.

    Args:
        path: the file.
        image_format: Pillow's name.
    """
    if image_format != "PNG":
        return
    with path.open("rb") as file:
        file.seek(8)
        for _ in range(_MAX_CHUNKS):
            head = file.read(8)
            size, name = int.from_bytes(head[:4], "big"), head[4:]
            if len(head) < 8 or name == b"IEND":
                return
            if name in (b"tEXt", b"iTXt", b"zTXt"):
                chunk = file.read(min(size, _COMPRESSED_BYTES))
                yield {name.decode(): _chunk_text(name, chunk)}
                file.seek(size - len(chunk) + 4, 1)
            else:
                file.seek(size + 4, 1)


def _chunk_text(name: bytes, chunk: bytes) -> bytes:
    _, _, rest = chunk.partition(b"\0")
    if name == b"tEXt":
        return rest
    is_packed = name == b"zTXt" or rest[:1] == b"\1"
    body = rest[1:] if name == b"zTXt" else rest[2:].split(b"\0", 2)[-1]
    if not is_packed:
        return body
    try:
        return zlib.decompressobj().decompress(body, 4 * MAX_TEXT_CHARS)
    except zlib.error:
        return b""


def _text(key: object, value: object) -> str:
    if isinstance(key, str) and key.lower() in _BINARY_KEYS:
        return ""
    if isinstance(value, bytes):
        value = _decoded(key, value[: 4 * MAX_TEXT_CHARS])
    if not isinstance(value, str):
        return ""
    return value[:MAX_TEXT_CHARS].rstrip("\0 ")


def _decoded(key: object, raw: bytes) -> str:
    for mark, encoding in _ENCODED:
        if raw.startswith(mark):
            return raw[8:].decode(encoding, "replace")
    if key in _WIDE_TAGS:
        return raw.decode("utf-16-le", "replace")
    text = raw.rstrip(b"\0").decode("utf-8", "replace")
    is_text = "\0" not in text and text.count("\ufffd") <= len(text) // 20
    return text if is_text else ""
