"""What a text says to a machine and not to a person."""

from __future__ import annotations

from mlops_assets.filters.evidence import Evidence
from mlops_assets.filters.texts.characters import read_characters
from mlops_assets.filters.texts.injections import read_injections


def read_text(text: str) -> tuple[Evidence, ...]:
    """Find what a text hides from people, and what it orders a model to do.

    Args:
        text: as it was decoded, before it is cleaned; any length, lone surrogates allowed.

    Returns:
        At most one find of each code: `hidden_characters` (zero-width characters that split words
        or stand in rows, tag characters, variation selectors that stand for bytes; not the joiners
        of emoji and of the scripts that need them, not a mark at the start), `bidirectional_text`
        (controls that turn what needs no turning; not Arabic or Hebrew), `homoglyphs` (two or more
        Latin words with letters of another script) and `prompt_injection` (orders to a model that
        reads the text, through spacing, digits for letters, unseen characters and look-alikes; not
        such orders quoted by a text about them). Empty for an empty text.
    """
    return (*read_characters(text), *read_injections(text))
