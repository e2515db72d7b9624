"""What models learn from: labels joined with features at pinned table versions; champions by time.

Tables are read by name at a Delta version, so what a model learned from can be read again, exactly.
"""

from mlops_assets.datasets.assembling import (
    FEATURE_TABLES,
    Labelled,
    labelled_items,
    labelled_per_class,
    table_versions,
)
from mlops_assets.datasets.champions import Champion, champion_for, champions
from mlops_assets.datasets.requests import MODEL, REQUESTS, Request, ask_for_training, requests

__all__ = [
    "FEATURE_TABLES",
    "MODEL",
    "REQUESTS",
    "Champion",
    "Labelled",
    "Request",
    "ask_for_training",
    "champion_for",
    "champions",
    "labelled_items",
    "labelled_per_class",
    "requests",
    "table_versions",
]
