"""Instructions to a model, hidden in what the model is only to read.

A sentence is an injection by the classes of words in it and where they stand, not by its wording:
an order to drop what was said before, an order to show what is secret, a new role without bounds, a
word to the model that reads, a word kept from the user, data sent away. See `lexicon`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from mlops_assets.filters.evidence import Evidence, evidence
from mlops_assets.filters.texts.folding import fold
from mlops_assets.filters.texts.quoting import TALK_CHARS, is_mentioned
from mlops_assets.filters.texts.rules import LOOSE_RULES, RULES, Rule, Spans, Words
from mlops_assets.filters.texts.wording import anchors

_BLOCK_CHARS = 50_000
_OVERLAP_CHARS = 1_000
_BEFORE_CHARS, _BEHIND_CHARS = 160, 340
_MAX_PLACES = 10_000
_SPACED = re.compile(r"(?<!\w)(?:\w[ ._\-*|/\u00b7\u2022]{1,3}){9,150}\w(?!\w)")
_MAX_SPACED = 50
_BETWEEN = re.compile(r"[ ._\-*|/\u00b7\u2022]+")
_TAGS = re.compile(
    r"<\|(?:im_start|start_header_id)\|>\s*system|<\|(?:system|im_end|endoftext|eot_id)\|>|<</?sys>>"
    r"|\[/?inst\]|\[/?system(?: message| override| prompt| note| instruction)?\]|</?system>"
    r"|^\W{0,4}(?:system(?: override| message| prompt)?|developer|admin)\s{0,3}:"
    r"|^#{2,}\s{0,3}(?:system|instruction|new instruction)s?\s{0,3}:"
    r"|\[/?end of (?:document|user input|input|context)\]|^(?:human|assistant|user):",
    re.IGNORECASE | re.MULTILINE,
)
_BEHIND_TAG = ("drop", "secret", "unbound", "covert", "persona", "model", "rules")


@dataclass(frozen=True, slots=True)
class _Found:
    """One sentence that fits a rule: which, where in the folded text."""

    rule: str
    start: int
    end: int


def read_injections(text: str) -> Iterator[Evidence]:
    """Find `prompt_injection`: orders to a model that reads the text; see `read_text`.

    Time is linear in the length of the text: it is read in blocks of 50,000 characters. Behind the
    first 10,000 places with suspicious words it is not read on.

    Args:
        text: any text.

    Yields:
        At most one find, the first.
    """
    places = iter(range(_MAX_PLACES))
    for start in range(0, max(1, len(text)), _BLOCK_CHARS):
        block = text[start : start + _BLOCK_CHARS + _OVERLAP_CHARS]
        found = next(_in_block(block, places), None)
        if found is not None:
            yield found
            return


def _in_block(block: str, places: Iterator[int]) -> Iterator[Evidence]:
    for match in islice(_SPACED.finditer(block), _MAX_SPACED):
        letters = fold(_BETWEEN.sub("", match[0]))
        for found in _matches(Words(letters, is_loose=True), letters, LOOSE_RULES):
            yield evidence("prompt_injection", f"{found.rule}, letters set apart", match[0])
    folded = fold(block)
    for found in _near_anchors(folded, places):
        if not is_mentioned(folded, found.start, found.end):
            yield evidence("prompt_injection", found.rule, _as_written(block, found))
    last = -_BLOCK_CHARS
    for match in _TAGS.finditer(block):
        if match.start() - last >= _BEFORE_CHARS and next(places, None) is not None:
            last = match.start()
            yield from _behind_tag(block, match)


def _near_anchors(folded: str, places: Iterator[int]) -> Iterator[_Found]:
    """Look at the surroundings of suspicious words, each stretch of text about three times."""
    last = -_BLOCK_CHARS
    for match in anchors().finditer(folded):
        if match.start() - last < _BEFORE_CHARS:
            continue
        if next(places, None) is None:
            return
        last = match.start()
        low = max(0, last - _BEFORE_CHARS)
        part = folded[low : last + _BEHIND_CHARS]
        for found in _matches(Words(part), part, RULES):
            yield _Found(found.rule, found.start + low, found.end + low)


def _matches(words: Spans, text: str, rules: Mapping[str, Rule]) -> Iterator[_Found]:
    for name, rule in rules.items():
        span = next(rule(words, text), None)
        if span is not None:
            yield _Found(name, *span)


def _behind_tag(block: str, tag: re.Match[str]) -> Iterator[Evidence]:
    """A mark that only a model's prompt has, with orders behind it."""
    words = Words(fold(block[tag.end() : tag.end() + _BEHIND_CHARS]))
    if not any(words[name] for name in _BEHIND_TAG):
        return
    low = max(0, tag.start() - TALK_CHARS)
    around = block[low : tag.end() + TALK_CHARS].lower()
    if not is_mentioned(around, tag.start() - low, tag.end() - low):
        quoted = block[tag.start() : tag.end() + 60]
        yield evidence("prompt_injection", "it poses as the system", quoted)


def _as_written(block: str, found: _Found) -> str:
    """The words of the text that a stretch of the folded one was made of."""
    return block[_place(block, found.start) : _place(block, found.end)]


def _place(block: str, folded_at: int) -> int:
    low, high = 0, len(block)
    while low < high:
        middle = (low + high) // 2
        if len(fold(block[:middle])) < folded_at:
            low = middle + 1
        else:
            high = middle
    return low
