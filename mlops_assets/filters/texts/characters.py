"""Characters that do not show, or that show other than they read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from mlops_assets.filters.evidence import Evidence, evidence

_ZERO_WIDTH = "\u200b\u200c\u200d\u2060-\u2064\u206a-\u206f\ufeff\u180e\u034f\u00ad"
_FILLERS = "\u115f\u1160\u3164\uffa0\u17b4\u17b5"
_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_UNSEEN_RUN = re.compile(f"[{_ZERO_WIDTH}{_FILLERS}]+")
_TAG_RUN = re.compile(f"[{_TAGS}]+")
_SELECTOR_RUN = re.compile(f"[{_SELECTORS}]{{2,}}")
_LONE_SELECTOR = re.compile("[\U000e0100-\U000e01ef]")
_FLAG = "\U0001f3f4"
_FLAG_TAGS = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")

_MIN_SPLITS = 3
_MIN_RUN = 4
_MIN_SELECTORS = 3
_MAX_RUNS = 500_000
_JOINED_SCRIPTS = (
    (0x0590, 0x08FF),  # Hebrew, Arabic, Syriac, Thaana, N'Ko
    (0x0900, 0x109F),  # the scripts of India and their neighbours, Thai, Lao, Tibetan, Myanmar
    (0x1780, 0x18AF),  # Khmer, Mongolian
    (0x1A20, 0x1AAF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xA8E0, 0xA8FF),
    (0xAA60, 0xAA7F),
    (0xFB1D, 0xFDFF),
    (0xFE70, 0xFEFC),
    (0x10D00, 0x11FFF),
    (0x20000, 0x3FFFF),
)

_BIDI = "\u202a-\u202e\u2066-\u2069"
_BIDI_CONTROL = re.compile(f"[{_BIDI}]")
_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_BIDI_EVENT = re.compile(f"[{_BIDI}]|[{_RIGHT_TO_LEFT}]+")
_OVERRIDES = "\u202d\u202e"
_OPEN_RIGHT_TO_LEFT = "\u202b\u2067"
_OPEN = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
_CLOSE = "\u202c\u2069"

_MIXED_WORD = re.compile(
    r"[A-Za-z\u00c0-\u024f]*[\u0370-\u03ff\u0400-\u052f\u0531-\u0587][A-Za-z\u00c0-\u052f]*"
)
_LOOKALIKES = frozenset(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u0261"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405\u0423"
    "\u03bf\u03bd\u03c1\u03b1\u03b9\u03ba\u03c5\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c"
    "\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0578\u057d\u0585\u0570\u0566"
)
_MIN_MIXED_WORDS = 2


def read_characters(text: str) -> Iterator[Evidence]:
    """Find `hidden_characters`, `bidirectional_text` and `homoglyphs`; see `read_text`.

    Time is linear in the length of the text.

    Args:
        text: as it was decoded, before it is cleaned.
    """
    if text.isascii():
        return
    yield from _hidden(text)
    if _BIDI_CONTROL.search(text):
        yield from islice(filter(None, map(_reordered, text.split("\n"))), 1)
    yield from _homoglyphs(text)


def _hidden(text: str) -> Iterator[Evidence]:
    for match in _TAG_RUN.finditer(text):
        is_flag = text[match.start() - 1 : match.start()] == _FLAG
        if not (is_flag and _FLAG_TAGS.fullmatch(match[0])):
            letters = "".join(chr(ord(char) & 0x7F) for char in match[0][:100])
            yield evidence(
                "hidden_characters", f"{len(match[0])} tag characters that read", letters
            )
            break
    yield from _selectors(text)
    yield from _zero_width(text)


def _selectors(text: str) -> Iterator[Evidence]:
    """Variation selectors in a row stand for bytes; one behind a character is how they are used."""
    for match in _SELECTOR_RUN.finditer(text):
        if len(match[0]) >= _MIN_SELECTORS or set(match[0]) != {"\ufe0f"}:
            hidden = bytes(_selector_byte(char) for char in match[0][:100]).decode("latin-1")
            said = f"{len(match[0])} variation selectors in a row, as bytes"
            yield evidence("hidden_characters", said, hidden)
            return
    lone = [
        at.start()
        for at in islice(_LONE_SELECTOR.finditer(text), 1000)
        if not _is_joined(text[at.start() - 1 : at.start()])
    ]
    if len(lone) >= _MIN_SELECTORS:
        yield evidence("hidden_characters", f"{len(lone)} variation selectors without ideographs")


def _selector_byte(char: str) -> int:
    return ord(char) - 0xFE00 if char <= "\ufe0f" else ord(char) - 0xE0100 + 16


def _zero_width(text: str) -> Iterator[Evidence]:
    """Runs of unseen characters, and words that are split by them; a hyphenation is neither."""
    splits: list[int] = []
    close = 0
    last_hyphen = -10
    for match in islice(_UNSEEN_RUN.finditer(text), _MAX_RUNS):
        start, end = match.span()
        before, after = text[start - 1 : start], text[end : end + 1]
        if start == 0 and match[0] == "\ufeff":
            continue
        if _is_run(match[0]):
            said = f"{end - start} characters in a row that do not show"
            yield evidence("hidden_characters", said, text[max(0, start - 10) : end + 10])
            return
        if not (before.isalnum() and after.isalnum()) or _is_joined(before) or _is_joined(after):
            continue
        if match[0] == "\u00ad":
            close += start - last_hyphen <= 3
            last_hyphen = start
        else:
            splits.append(start)
        if close >= _MIN_SPLITS or len(splits) >= _MIN_SPLITS:
            at = start if close >= _MIN_SPLITS else splits[0]
            said = "words split by characters that do not show"
            yield evidence("hidden_characters", said, text[max(0, at - 10) : at + 20])
            return


def _is_run(run: str) -> bool:
    return len(run) >= _MIN_RUN or (len(run) >= 2 and len(set(run)) == 1 and run[0] == "\u00ad")


def _is_joined(char: str) -> bool:
    """Whether a character is of a script that unseen characters belong to."""
    code = ord(char) if char else 0
    return any(low <= code <= high for low, high in _JOINED_SCRIPTS)


def _reordered(line: str) -> Evidence | None:
    """Controls that turn text that needs no turning: it reads other than it runs.

    Reference: Boucher and Anderson 2021, "Trojan Source", section 3, arXiv:2111.00169.
    """
    opened: list[tuple[str, bool]] = []
    has_rtl = False
    for match in _BIDI_EVENT.finditer(line):
        mark = match[0]
        if mark in _OVERRIDES:
            return _bidi("text turned by force", line, match.start())
        if mark in _OPEN:
            opened.append((mark, False))
        elif mark in _CLOSE and opened:
            control, is_needed = opened.pop()
            if control in _OPEN_RIGHT_TO_LEFT and not is_needed:
                return _bidi("left-to-right text set right to left", line, match.start())
            if opened and is_needed:
                opened[-1] = (opened[-1][0], True)
        elif mark not in _CLOSE:
            has_rtl = True
            if opened:
                opened[-1] = (opened[-1][0], True)
    if opened and not has_rtl:
        return _bidi("a direction that is never ended", line, len(line))
    return None


def _bidi(said: str, line: str, at: int) -> Evidence:
    return evidence("bidirectional_text", said, line[max(0, at - 30) : at + 30])


def _homoglyphs(text: str) -> Iterator[Evidence]:
    """Latin words in which letters of another script stand for those they look like."""
    found: dict[str, None] = {}
    for match in islice(_MIXED_WORD.finditer(text), _MAX_RUNS):
        if _is_disguised(match[0]):
            found[match[0]] = None
        if len(found) >= _MIN_MIXED_WORDS:
            said = "words with letters of two scripts that look alike"
            yield evidence("homoglyphs", said, " ".join(found))
            return


def _is_disguised(word: str) -> bool:
    foreign = [char for char in word[:50] if char >= "\u0370"]
    latin = min(len(word), 50) - len(foreign)
    return len(word) >= 4 and latin >= len(foreign) and all(c in _LOOKALIKES for c in foreign)
