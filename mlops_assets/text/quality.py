"""How well a text was read: the share of it that is damaged, and the share that says nothing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SAMPLE_CHARS = 100_000
STRETCH_CHARS = 5_000

_REPLACEMENT = "\ufffd"
_WHITE_CONTROLS = "\t\n\v\f\r\x1a\x1b\x85"
_HYPHEN_MARK = "\ufffe"  # where PDF readers joined a word
_NO_CHARACTER = ("Cc", "Cn", "Co", "Cs")
_RUN = re.compile(r"([^\W_])\1{15,}|([^\W_]{2,4}?)\2{9,}")
_LINE_COPIES, _LINE_CHARS = 20, 10
_WORD = re.compile(r"\S+")
_LATIN_WORD = re.compile(r"[^\W\d_]+")
_ODD_SIGN = re.compile(r"[^\w.,:;/\\@=()\[\]{}'\u2019\"\u201c\u201d&+*<>%#|_-]|\ufffd")
_PARTS = re.compile(r"[\W_]+")
_LETTER_MEETS_DIGIT = re.compile(r"[^\W\d_](?=\d)|\d(?=[^\W\d_])")
_VOWEL = re.compile("[aeiouyw]", re.IGNORECASE)
_LONGEST_WORD = 40


@dataclass(frozen=True, slots=True)
class TextQuality:
    """What is wrong with a text, by shares of its characters that are no white space.

    Attributes:
        damaged_share: characters lost in some encoding (U+FFFD), or read in a wrong one such as
            `Ã©` for `é`; 0 to 1.
        garbage_share: what is no text in any language: control characters, unassigned and private
            code points, runs of one pattern, lines repeated over and over, words no language has;
            0 to 1.
    """

    damaged_share: float = 0.0
    garbage_share: float = 0.0


def measure_text(pages: Sequence[str]) -> TextQuality:
    """Say how much of a text is damaged, and how much is garbage.

    Args:
        pages: the text as it was decoded, not cleaned: `clean_text` takes away what is counted
            here. At most 100,000 characters are looked at, in stretches spread evenly.

    Returns:
        Shares; 0 for a text without characters.

    Method: mojibake is what the heuristic of ftfy 6 calls bad (Speer 2019, "ftfy",
    doi:10.5281/zenodo.2591652). Words are judged by rules that leave every script but Latin alone:
    signs of no use inside, letters and digits by turns, no vowel, no end.
    """
    sample = _sample("\n".join(pages))
    total = sum(map(len, sample.split()))
    if not total:
        return TextQuality()
    return TextQuality(
        damaged_share=min(1.0, _damaged(sample) / total),
        garbage_share=min(1.0, _garbage(sample) / total),
    )


def _sample(text: str) -> str:
    if len(text) <= SAMPLE_CHARS:
        return text
    count = SAMPLE_CHARS // STRETCH_CHARS
    step = (len(text) - STRETCH_CHARS) / (count - 1)
    starts = [round(place * step) for place in range(count)]
    return "\n".join(text[start : start + STRETCH_CHARS] for start in starts)


def _damaged(text: str) -> int:
    """Characters that stand for others; letters a match takes in beside them are left out."""
    from ftfy.badness import BADNESS_RE

    if text.isascii():
        return 0
    wrong = sum(not one.isascii() for one in "".join(BADNESS_RE.findall(text)))
    return wrong + BADNESS_RE.sub("", text).count(_REPLACEMENT)


def _garbage(text: str) -> int:
    """Characters that say nothing; each kind is counted in what the one before it left."""
    lines, counted = _without_copies(text)
    nothings = {one: n for one, n in Counter(lines).items() if _is_nothing(one)}
    counted += sum(nothings.values())
    rest = lines.translate(dict.fromkeys(map(ord, nothings), " "))
    runs = sum(len(run[0]) for run in _RUN.finditer(rest))
    words = Counter(_WORD.findall(_RUN.sub(" ", rest)))
    return counted + runs + sum(len(word) * n for word, n in words.items() if _is_junk(word))


def _without_copies(text: str) -> tuple[str, int]:
    """The lines, each at most twenty times, and how many characters the further ones have."""
    kept: list[str] = []
    seen: Counter[str] = Counter()
    left = 0
    for line in text.split("\n"):
        short = "".join(line.split())
        seen[short] += len(short) >= _LINE_CHARS
        if seen[short] <= _LINE_COPIES:
            kept.append(line)
        else:
            left += len(short)
    return "\n".join(kept), left


def _is_nothing(character: str) -> bool:
    is_allowed = character in _WHITE_CONTROLS or character == _HYPHEN_MARK
    return not is_allowed and unicodedata.category(character) in _NO_CHARACTER


def _is_junk(word: str) -> bool:
    core = word.strip("".join(one for one in set(word) if not one.isalnum()))
    if not core:
        return len(word) > 3 and len(set(word)) > 2
    if not core.isascii() and not _is_latin(core):
        return False
    is_address = "://" in word or "@" in word or word.count("/") + word.count("\\") > 1
    if len(core) > _LONGEST_WORD:
        return not is_address and max(map(len, _PARTS.split(core))) > _LONGEST_WORD
    if _LATIN_WORD.fullmatch(core):
        return len(core) >= 6 and not core.isupper() and not _VOWEL.search(_plain(core))
    odd = len(_ODD_SIGN.findall(core))
    return odd * 5 >= len(core) or len(_LETTER_MEETS_DIGIT.findall(core)) >= 5


def _is_latin(word: str) -> bool:
    return all(ord(one) < 0x250 or not one.isalpha() for one in word)


def _plain(word: str) -> str:
    """Letters without their accents."""
    return unicodedata.normalize("NFD", word)
