"""Bytes to characters, when nobody says which encoding they are in."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

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


EncodingFrom = Literal["mark", "escapes", "bytes", "guess", "format"]


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Bytes as characters.

    Attributes:
        text: not cleaned.
        encoding: as Python names it, such as `utf-8` or `cp1252`.
        encoding_from: what told it: a byte order `mark`, the `escapes` of ISO 2022, the `bytes`
            themselves (only UTF-8 looks like UTF-8), or a `guess`; `format` where a file format
            says it, as PDF does.
        confidence: how sure that is, 0 to 1; of a guess, whatever the guesser makes of it.
    """

    text: str
    encoding: str
    encoding_from: EncodingFrom
    confidence: float


def decode_text(data: bytes, *, name: str) -> DecodedText:
    """Decode the bytes of a text file.

    In this order: a byte order mark; the escapes of ISO 2022; UTF-8, also with a few broken bytes
    (at most 5 % of what is not ASCII; each becomes U+FFFD); else what charset-normalizer finds.
    Western single-byte encodings, which it confuses on short texts, are told apart by which of them
    reads most like a language.

    Args:
        data: the whole file.
        name: the file's name, for messages only.

    Returns:
        The text and its encoding; '' for no bytes.

    Raises:
        InputError: reason `not_text`: no encoding fits, or more than 1 % control characters.
    """
    decoded = (
        _decode_marked(data) or _decode_escaped(data) or _decode_utf8(data) or _decode_guessed(data)
    )
    if decoded is None or _control_share(decoded.text) > MAX_CONTROL_SHARE:
        raise InputError(f"{name} holds binary data; expected text", reason="not_text")
    return decoded


def _decode_marked(data: bytes) -> DecodedText | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data.decode(encoding, errors="replace")
            is_right = text.count("\ufffd") <= MAX_BROKEN_SHARE * len(text) + 1
            return DecodedText(text, encoding, "mark", 1.0) if is_right else None
    return None


def _decode_escaped(data: bytes) -> DecodedText | None:
    """ISO 2022, which writes Japanese and Korean in ASCII behind escape sequences."""
    for mark, encoding in _ESCAPED:
        if mark in data[:_SAMPLE_BYTES]:
            try:
                return DecodedText(data.decode(encoding), encoding, "escapes", 1.0)
            except UnicodeDecodeError:
                return None
    return None


def _decode_utf8(data: bytes) -> DecodedText | None:
    try:
        whole = data.decode("utf-8")
        return DecodedText(whole, "ascii" if whole.isascii() else "utf-8", "bytes", 1.0)
    except UnicodeDecodeError:
        text = data.decode("utf-8", errors="replace")
    wide = len(text) - len(text.encode("ascii", errors="ignore"))
    broken = text.count("\ufffd") / wide
    return DecodedText(text, "utf-8", "bytes", 1 - broken) if broken <= MAX_BROKEN_SHARE else None


def _decode_guessed(data: bytes) -> DecodedText | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        return None
    if _is_latin(str(best)[:_SAMPLE_BYTES]):
        return _decode_latin(data, otherwise=best.encoding)
    return DecodedText(str(best), best.encoding, "guess", 1.0 - best.chaos)


def _is_latin(text: str) -> bool:
    return all(ord(char) < 0x250 or 0x2000 <= ord(char) < 0x2300 for char in text)


def _decode_latin(data: bytes, *, otherwise: str) -> DecodedText:
    """In the encoding that reads most like a language; how sure says by how far it leads."""
    first = next((at for at, byte in enumerate(data) if byte > 127), 0)
    sample = data[max(0, first - 200) : first + _SAMPLE_BYTES]
    scores = {codec: _score(sample, codec) for codec in (*_LATIN, otherwise)}
    best = max(scores, key=scores.__getitem__)
    readings = {sample.decode(codec): score for codec, score in scores.items() if score > 0}
    confidence = max(scores[best], 0.0) / max(sum(readings.values()), 1e-9)
    return DecodedText(data.decode(best, errors="replace"), best, "guess", confidence)


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
