"""What models learn from: labels joined with features at pinned table versions; champions by time.

Tables are read by name at a Delta version, so what a model learned from can be read again, exactly.
"""

from mlops_assets.datasets.assembling import Labelled, labelled_items, labelled_per_class
from mlops_assets.datasets.champions import Champion, champion_for, champions
from mlops_assets.datasets.requests import MODEL, REQUESTS, Request, ask_for_training, requests
from mlops_assets.datasets.selection import FEATURE_TABLES, Selection

__all__ = [
    "FEATURE_TABLES",
    "MODEL",
    "REQUESTS",
    "Champion",
    "Labelled",
    "Request",
    "Selection",
    "ask_for_training",
    "champion_for",
    "champions",
    "labelled_items",
    "labelled_per_class",
    "requests",
]
