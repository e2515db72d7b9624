"""Importing this reads the language model, once, in the process that workers are forked from.

Nothing else imports it: it costs seconds, and each recycled worker would pay them again.
"""

from __future__ import annotations

from mlops_assets.text import detect_language

detect_language("A sentence, so that the model is read before any worker is made.")
