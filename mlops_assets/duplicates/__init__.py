"""Near duplicates: which pictures and clips show the same, though their bytes differ.

An index of hashes names candidates; the tiny pictures behind them decide. Nothing here reads a
file: it works on the looks that the decode pass took.
"""

from __future__ import annotations

from mlops_assets.duplicates.catalogue import Catalogue, Medium
from mlops_assets.duplicates.index import HashIndex, Near
from mlops_assets.duplicates.matching import Match, Seen, find_match

__all__ = ["Catalogue", "HashIndex", "Match", "Medium", "Near", "Seen", "find_match"]
