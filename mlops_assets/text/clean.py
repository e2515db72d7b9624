"""Text made comparable: one normal form, one line end, no characters that are not text."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_COMBINING_RUN = 30

_LINE_ENDS = re.compile("\r\n|[\r\v\x85\u2028\u2029]")
_NOT_TEXT = re.compile(
    "[\x00-\x08\x0c\x0e-\x1f\x7f-\x9f\u00ad\ufeff\ud800-\udfff\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)
_BLANK_LINES = re.compile("\n{3,}")


def clean_text(text: str) -> str:
    r"""Bring one page of text into the form that is stored.

    Line ends become ``\n``; control characters (tabs stay), byte order marks, soft hyphens, lone
    surrogates and noncharacters go (PDF readers mark a hyphen at a line's end by U+FFFE: the word
    is joined again); the rest is normalised to NFC; spaces at line ends, more than one blank line
    in a row and blank lines at both ends go. Doing it twice changes nothing.

    Args:
        text: any string, also with lone surrogates. Form feeds are removed: split pages before.

    Returns:
        Text that can be written as UTF-8; '' when there is nothing but white space.

    Reference: Unicode Standard Annex 15, section 13 (at most 30 combining marks in a row, here
    the rest is cut: normalising takes time quadratic in the length of such a run).
    """
    text = _NOT_TEXT.sub("", _LINE_ENDS.sub("\n", text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", _combining_runs().sub(r"\1", text))
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


@lru_cache(maxsize=1)
def _combining_runs() -> re.Pattern[str]:
    marks = [chr(code) for code in range(0x300, 0x20000) if unicodedata.combining(chr(code))]
    any_mark = f"[{''.join(marks)}]"
    return re.compile(f"({any_mark}{{{MAX_COMBINING_RUN}}}){any_mark}+")
