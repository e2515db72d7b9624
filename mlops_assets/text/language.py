"""Which language a text is written in."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MIN_LETTERS = 20
SAMPLE_CHARS = 20_000


def detect_language(text: str) -> str:
    """Name the main language of a text; see `tell_language`."""
    return tell_language(text)[0]


def tell_language(text: str) -> tuple[str, float]:
    """Name the main language of a text, and how sure that is.

    Args:
        text: any text; the first 20,000 characters are read.

    Returns:
        ISO 639-1 code such as 'en', and its probability in [0, 1], which is 1 for nearly every
        text of a few sentences; '' and 0 when the sample has fewer than 20 letters.

    Method: py3langid (Lui and Baldwin 2012, "langid.py: An Off-the-shelf Language Identification
    Tool", ACL), restricted to the languages that have a two-letter code.
    """
    sample = text[:SAMPLE_CHARS]
    letters = sum(1 for _ in islice(filter(str.isalpha, sample), MIN_LETTERS))
    if letters < MIN_LETTERS:
        return "", 0.0
    language, probability = _identifier().classify(sample)
    return str(language), min(1.0, float(probability))


def language_confidence(text: str) -> float:
    """How much a text reads like the language it reads most like.

    Args:
        text: any text, read whole.

    Returns:
        Probability in [0, 1]; meaningful for comparing two readings of the same bytes only.
    """
    return float(_identifier().classify(text)[1])


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """An identifier of our own: the package's global one could be narrowed by other code."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if len(label) == 2])
    return identifier
