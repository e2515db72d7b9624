"""The patterns that word classes are found by, compiled from the lexicon."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

from mlops_assets.filters.texts.folding import fold
from mlops_assets.filters.texts.lexicon import WordClass, leads, word_classes

_ANCHORS = (
    *("drop", "drop_weak", "secret", "secret_weak", "persona", "persona_weak", "fresh"),
    *("covert", "private", "reading", "model"),
)
_ORDERS = ("drop", "drop_weak", "show", "show_weak", "send")
_WHOLE_ORDERS = ("en", "de", "fr", "es", "it", "pt")


@lru_cache(maxsize=1)
def anchors() -> re.Pattern[str]:
    """The words without which nothing is an order to a model."""
    classes = [word_classes()[name] for name in _ANCHORS]
    apart = chain.from_iterable(stems for one in classes for stems in one.apart.values())
    joined = chain.from_iterable(stems for one in classes for stems in one.joined.values())
    return _compiled(apart, joined, False)


@lru_cache(maxsize=2)
def patterns(is_loose: bool) -> dict[str, re.Pattern[str]]:
    """What finds the words of each class in a folded text.

    Args:
        is_loose: the text has no spaces, so that a word may begin anywhere.
    """
    return {
        name: _compiled(_marked(name, one), chain.from_iterable(one.joined.values()), is_loose)
        for name, one in word_classes().items()
    }


@lru_cache(maxsize=1)
def english() -> re.Pattern[str]:
    """Any word of a class, if it is English."""
    stems = chain.from_iterable(one.apart.get("en", []) for one in word_classes().values())
    return _compiled(stems, [], True)


@lru_cache(maxsize=1)
def verb_first() -> re.Pattern[str]:
    """Orders of languages whose verb stands before what it is about."""
    orders = [word_classes()[name].apart for name in ("drop", "drop_weak")]
    first = (stems for one in orders for language, stems in one.items() if language != "tr")
    return _compiled(chain.from_iterable(first), [], True)


@lru_cache(maxsize=1)
def before_orders() -> re.Pattern[str]:
    """What an English order follows: nothing, a sign, or one of a few words."""
    words = "|".join(_stem(word) for word in _listed(leads()))
    return re.compile(rf"(?:^|[^\w\s]|\n|(?<!\w)(?:{words}))\s*$")


def _compiled(apart: Iterable[str], joined: Iterable[str], is_loose: bool) -> re.Pattern[str]:
    words = _either([_word(word, is_loose=is_loose) for word in _listed(apart)])
    pieces = [_stem(word) for word in _listed(joined)]
    boundary = "" if is_loose else r"(?<!\w)"
    return re.compile(f"{boundary}{words}" + (f"|{_either(pieces)}" if pieces else ""))


def _either(patterns: list[str]) -> str:
    """An alternation by first letters, so that few branches are tried; order stays among equals."""
    by_start: dict[str, list[str]] = {}
    for pattern in patterns:
        at = 2 if pattern[:2].isalnum() else 0
        by_start.setdefault(pattern[:at], []).append(pattern[at:])
    return "(?:" + "|".join(f"{start}(?:{'|'.join(by_start[start])})" for start in by_start) + ")"


def _listed(stems: Iterable[str]) -> list[str]:
    """Each stem once, the longest first: an alternation takes the first that fits."""
    return sorted(set(stems), key=lambda stem: (-len(stem), stem))


def _marked(name: str, one: WordClass) -> Iterator[str]:
    """Stems of a class; `!` marks an imperative that its infinitive or past begins with as well."""
    for language, stems in one.apart.items():
        is_order = name in _ORDERS and language in _WHOLE_ORDERS
        yield from (f"{stem}!" if is_order else stem for stem in stems)


def _word(stem: str, *, is_loose: bool) -> str:
    plain = stem.rstrip("-!")
    is_short = len(plain) <= 3 and not stem.endswith("-")
    if is_loose or not (is_short or stem.endswith("!")):
        return _stem(plain)
    return _stem(plain) + (r"(?:me|mi|nos|lo|la|les|los)?(?!\w)" if len(plain) > 3 else r"(?!\w)")


def _stem(stem: str) -> str:
    return r"[\W_]{0,4}".join(re.escape(fold(part)) for part in stem.split())
