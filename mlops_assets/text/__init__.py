"""Documents as text: read (PDF text layer, HTML, Markdown, plain), cleaned, cut into chunks.

Characters are counted in Unicode code points, pages from 1, and a chunk's span is exact.
Importing the room imports none of the readers.
"""

from __future__ import annotations

from mlops_assets.text.chunk import CHUNKING_VERSION, Chunk, chunk_text
from mlops_assets.text.clean import clean_text
from mlops_assets.text.extract import (
    EXTRACTION_VERSION,
    PAGE_BREAK,
    Extracted,
    Format,
    extract_document,
    is_pdf,
    page_spans,
    text_format,
)
from mlops_assets.text.language import detect_language
from mlops_assets.text.quality import TextQuality, measure_text

__all__ = [
    "CHUNKING_VERSION",
    "EXTRACTION_VERSION",
    "PAGE_BREAK",
    "Chunk",
    "Extracted",
    "Format",
    "TextQuality",
    "chunk_text",
    "clean_text",
    "detect_language",
    "extract_document",
    "is_pdf",
    "measure_text",
    "page_spans",
    "text_format",
]
