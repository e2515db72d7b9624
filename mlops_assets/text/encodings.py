"""Bytes to characters, when nobody says which encoding they are in."""

from __future__ import annotations

import codecs
import re

from mlops_assets.errors import InputError
from mlops_assets.text.language import language_confidence

MAX_CONTROL_SHARE = 0.01
MAX_BROKEN_SHARE = 0.05

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "iso8859_2", "iso8859_15")
_SAMPLE_BYTES = 20_000
_ALLOWED_CONTROLS = "\t\n\v\f\r\x1a\x1b"
_ESCAPED = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_2"))
_C1_CONTROLS = re.compile("[\x80-\x9f]")


def decode_text(data: bytes, *, name: str) -> str:
    """Decode the bytes of a text file.

    In this order: a byte order mark; the escapes of ISO 2022; UTF-8, also with a few broken bytes
    (at most 5 % of what is not ASCII; each becomes U+FFFD); else what charset-normalizer finds.
    Western single-byte encodings, which it confuses on short texts, are told apart by which of them
    reads most like a language.

    Args:
        data: the whole file.
        name: the file's name, for messages only.

    Returns:
        The decoded text, not cleaned yet; '' for no bytes.

    Raises:
        InputError: reason `not_text`: no encoding fits, or more than 1 % control characters.
    """
    text = _decode_marked(data)
    if text is None:
        text = _decode_escaped(data)
    if text is None:
        text = _decode_utf8(data)
    if text is None:
        text = _decode_guessed(data)
    if text is None or _control_share(text) > MAX_CONTROL_SHARE:
        raise InputError(f"{name} holds binary data; expected text", reason="not_text")
    return text


def _decode_marked(data: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data.decode(encoding, errors="replace")
            return text if text.count("\ufffd") <= MAX_BROKEN_SHARE * len(text) + 1 else None
    return None


def _decode_escaped(data: bytes) -> str | None:
    """ISO 2022, which writes Japanese and Korean in ASCII behind escape sequences."""
    for mark, encoding in _ESCAPED:
        if mark in data[:_SAMPLE_BYTES]:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                return None
    return None


def _decode_utf8(data: bytes) -> str | None:
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    if not broken:
        return text
    wide = len(text) - len(text.encode("ascii", errors="ignore"))
    return text if broken <= MAX_BROKEN_SHARE * wide else None


def _decode_guessed(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        return None
    if _is_latin(str(best)[:_SAMPLE_BYTES]):
        return data.decode(_latin_encoding(data, otherwise=best.encoding), errors="replace")
    return str(best)


def _is_latin(text: str) -> bool:
    return all(ord(char) < 0x250 or 0x2000 <= ord(char) < 0x2300 for char in text)


def _latin_encoding(data: bytes, *, otherwise: str) -> str:
    first = next((at for at, byte in enumerate(data) if byte > 127), 0)
    sample = data[max(0, first - 200) : first + _SAMPLE_BYTES]
    scores = {codec: _score(sample, codec) for codec in (*_LATIN, otherwise)}
    return max(scores, key=scores.__getitem__)


def _score(sample: bytes, codec: str) -> float:
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError:
        return -1.0
    return -1.0 if _C1_CONTROLS.search(text) else round(language_confidence(text), 6)


def _control_share(text: str) -> float:
    control = sum(
        text.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\v\f\r\x1a\x1b"
    )
    return control / max(1, len(text))
