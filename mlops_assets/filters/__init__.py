"""Content filters: what an item tells a machine and hides from people, found before a model sees.

Each filter is a function of a text, a picture, a file or a measure, and gives `Evidence`: a code of
the gates and the proof. Nothing here decides: policy says whether a find stops an item.
"""

from __future__ import annotations

from mlops_assets.filters.documents import inspect_document
from mlops_assets.filters.door import inspect_media
from mlops_assets.filters.evidence import Evidence
from mlops_assets.filters.pictures import HiddenLine, find_hidden_lines, find_hidden_text
from mlops_assets.filters.polyglots import polyglot
from mlops_assets.filters.recognition import read_picture
from mlops_assets.filters.sounds import judge_sound
from mlops_assets.filters.texts.reading import read_text

__all__ = [
    "Evidence",
    "HiddenLine",
    "find_hidden_lines",
    "find_hidden_text",
    "inspect_document",
    "inspect_media",
    "judge_sound",
    "polyglot",
    "read_picture",
    "read_text",
]
