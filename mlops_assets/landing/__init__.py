"""What arrives: the landing zone, the ledger of arrivals, partitions, and people's rulings.

Bytes go into the vault before their arrival is stated, so every later step can start from ledger
and vault.
"""

from mlops_assets.landing.arrivals import (
    ARRIVALS,
    Arrival,
    arrivals,
    desired_digests,
    first_partition,
)
from mlops_assets.landing.folder import Found, list_landing
from mlops_assets.landing.registering import Landed, register
from mlops_assets.landing.rulings import RULINGS, Ruling, rule

__all__ = [
    "ARRIVALS",
    "RULINGS",
    "Arrival",
    "Found",
    "Landed",
    "Ruling",
    "arrivals",
    "desired_digests",
    "first_partition",
    "list_landing",
    "register",
    "rule",
]
