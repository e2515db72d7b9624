"""Text brought back to the letters it was meant to be read as."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import chain

_LOOKALIKES = {
    alike: letter
    for letter, all_alike in {
        "a": "\u0430\u03b1\u1d00",
        "b": "\u0432\u0299",
        "c": "\u0441\u1d04",
        "d": "\u0501\u1d05",
        "e": "\u0435\u03b5\u212e\u1d07",
        "g": "\u0261\u0262",
        "h": "\u043d\u04bb\u0570\u029c",
        "i": "\u0456\u0131\u03b9\u026a",
        "j": "\u0458\u1d0a",
        "k": "\u043a\u03ba\u1d0b",
        "l": "\u029f",
        "m": "\u043c\u1d0d",
        "n": "\u03b7\u0578\u0274",
        "o": "\u043e\u03bf\u0585\u1d0f",
        "p": "\u0440\u03c1\u1d18",
        "q": "\u051b\u0566",
        "r": "\u0280",
        "s": "\u0455\ua731",
        "t": "\u0442\u03c4\u1d1b",
        "u": "\u057d\u1d1c",
        "v": "\u03bd\u2c7d\u1d20",
        "w": "\u051d\u1d21",
        "x": "\u0445\u03c7",
        "y": "\u0443\u03c5\u028f",
        "z": "\u1d22",
    }.items()
    for alike in all_alike
}
_WRITTEN_AS = dict(zip("01345789@$\u20ac\u00a3|l", "oieastbgaseeii", strict=False))
_UNSEEN = (
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xE0000, 0xE01F0),
    *range(0x0300, 0x0370),
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0),
)
_FOLDED = (range(0x3400), range(0xA640, 0xAC00), range(0xFB00, 0xFFF0), range(0x1D400, 0x1F1FF))
"""Code points with a case, an accent, a width or a style; ideographs and Hangul have none."""


def fold(text: str) -> str:
    """Bring letters that look alike to one, so that a disguised word equals itself undisguised.

    Case, accents, width, styled letters, digits and signs that stand for letters, letters of other
    scripts that look Latin, and characters that do not show. What is left is for comparing only:
    `l` and `1` both become `i`, and a Russian word is half Latin, like the word it is compared to.

    Args:
        text: any text; work is linear in its length.

    Returns:
        A text that is shorter where unseen characters went, and longer where ligatures were split.
    """
    return text.translate(_table())


@lru_cache(maxsize=1)
def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {}
    for code in chain.from_iterable(_FOLDED):
        char = chr(code)
        folded = _folded(char)
        if folded != char:
            table[code] = folded
    table.update(dict.fromkeys(_UNSEEN))
    return table


def _folded(char: str) -> str:
    low = char.casefold()
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", low) if not unicodedata.combining(part)
    ).casefold()
    letters = plain if plain.isascii() and plain.isalnum() else low
    return "".join(_one(letter) for letter in letters)


def _one(letter: str) -> str:
    letter = _LOOKALIKES.get(letter, letter)
    return _WRITTEN_AS.get(letter, letter)
