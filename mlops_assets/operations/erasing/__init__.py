"""Erasing: forget media everywhere they left something, and prove it.

An order says what is to go; it is written down before anything goes, so a killed erasure is
completed by the next. What Dagster remembers is reached through `history`, without Dagster.
"""

from mlops_assets.operations.erasing.choosing import media_where
from mlops_assets.operations.erasing.forgetting import Forgotten, forget, forgotten
from mlops_assets.operations.erasing.marks import incomplete_snapshots
from mlops_assets.operations.erasing.proof import traces_of, verify_forgotten
from mlops_assets.operations.erasing.retention import expired_media, restored_media

__all__ = [
    "Forgotten",
    "expired_media",
    "forget",
    "forgotten",
    "incomplete_snapshots",
    "media_where",
    "restored_media",
    "traces_of",
    "verify_forgotten",
]
