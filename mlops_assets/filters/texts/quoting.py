"""Whether a sentence is said, or only quoted by a text that talks about it."""

from __future__ import annotations

from mlops_assets.filters.texts.wording import patterns

TALK_CHARS = 300
"""Of the text on either side that tells what it talks about."""

_MIN_TALK = 3
_QUOTE_CHARS = 250
_QUOTES = (
    ("\u201c\u201e\u201f", "\u201d\u201c"),
    ("\u00ab\u2039", "\u00bb\u203a"),
    ("\u300c\u300e", "\u300d\u300f"),
)


def is_mentioned(folded: str, start: int, end: int) -> bool:
    """Whether a stretch of a text is quoted by a text that talks about injections.

    Quoted, one word of that talk is enough; not quoted, three different ones.

    Args:
        folded: the folded text.
        start: of the stretch.
        end: of the stretch.
    """
    low = max(0, start - TALK_CHARS)
    around = folded[low:start] + "\n" + folded[end : end + TALK_CHARS]
    talk = {match[0] for match in patterns(False)["talk"].finditer(around)}
    return len(talk) >= (1 if _is_quoted(folded, start, end) else _MIN_TALK)


def _is_quoted(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _QUOTE_CHARS) : start].rpartition("\n\n")[2]
    behind = text[end : end + _QUOTE_CHARS].partition("\n\n")[0]
    for sign in ('"', "`"):
        if before.count(sign) % 2 and sign in behind:
            return True
    if before[-1:] in ("'", "\u2018") and any(sign in behind for sign in ("'", "\u2019")):
        return True
    for opening, closing in _QUOTES:
        opened = max(before.rfind(sign) for sign in opening)
        closed = max(before.rfind(sign) for sign in closing if sign not in opening)
        if opened > closed and any(sign in behind for sign in closing):
            return True
    return False
