"""What arrives: connectors, the ledger of arrivals, partitions, and people's rulings.

Bytes go into the vault before their arrival is stated, and the arrival before the cursor of the
listing moves on, so every later step can start from ledger and vault.
"""

from mlops_assets.landing.arrivals import (
    ARRIVALS,
    Arrival,
    arrivals,
    desired_digests,
    first_partition,
)
from mlops_assets.landing.connectors import Connector, Item, Page, Scratch
from mlops_assets.landing.folder import Found, list_landing
from mlops_assets.landing.progress import CURSORS, FAILURES, open_failures
from mlops_assets.landing.registering import Budget, Landed, register, register_all
from mlops_assets.landing.rulings import RULINGS, Ruling, rule
from mlops_assets.landing.sources import Rota, Source, sources_in, stated_sources

__all__ = [
    "ARRIVALS",
    "CURSORS",
    "FAILURES",
    "RULINGS",
    "Arrival",
    "Budget",
    "Connector",
    "Found",
    "Item",
    "Landed",
    "Page",
    "Rota",
    "Ruling",
    "Scratch",
    "Source",
    "arrivals",
    "desired_digests",
    "first_partition",
    "list_landing",
    "open_failures",
    "register",
    "register_all",
    "rule",
    "sources_in",
    "stated_sources",
]
