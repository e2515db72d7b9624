"""The words that instructions to a model are made of, in the languages they come in.

`lexicon.json` has them by class and language. Stems are written as they are spelt and match the
beginning of a word; a space stands for up to four characters that are no letters; a stem of three
letters or fewer is a whole word unless `-` ends it. `apart` are languages that set words apart,
`joined` those that join them to each other or to their particles. Classes with `_weak` are words
that people say to people as well: they count beside words that are not.

Of verbs the imperative is listed where it has a form of its own: text about an injection says that
a model is told *to ignore* its rules, an injection says *ignore*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class WordClass:
    """Words that do the same in a sentence.

    Attributes:
        apart: stems by language, of languages that set words apart.
        joined: stems by language, of those that do not.
    """

    apart: Mapping[str, list[str]]
    joined: Mapping[str, list[str]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def word_classes() -> Mapping[str, WordClass]:
    """Every class by name."""
    return {name: WordClass(**told) for name, told in _read().items() if name != "leads"}


@lru_cache(maxsize=1)
def leads() -> list[str]:
    """What an imperative in English may follow, other than a sign or the beginning of a line."""
    return list(_read()["leads"])


@lru_cache(maxsize=1)
def _read() -> dict[str, Any]:
    return json.loads(
        files("mlops_assets.filters.texts").joinpath("lexicon.json").read_text("utf-8")
    )
