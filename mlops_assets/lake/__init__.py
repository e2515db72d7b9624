"""Bytes and Delta tables at rest: store, vault, scans, commits, ledgers, maintenance.

Only this room knows where a table lies and how a partition is replaced. It knows nothing of media.
"""

from mlops_assets.lake.commits import StagedFile, commit_partition
from mlops_assets.lake.lake import Lake, current_lake, still_lake, use_lake
from mlops_assets.lake.ledgers import Ledger
from mlops_assets.lake.partitions import MEDIA, Partition, PartitionScheme
from mlops_assets.lake.store import Store
from mlops_assets.lake.vault import Vault

__all__ = [
    "MEDIA",
    "Lake",
    "Ledger",
    "Partition",
    "PartitionScheme",
    "StagedFile",
    "Store",
    "Vault",
    "commit_partition",
    "current_lake",
    "still_lake",
    "use_lake",
]
