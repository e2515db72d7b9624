"""Partition definitions: which shares of which tables a run can be about."""

import dagster as dg

from mlops_assets.datasets import MODEL
from mlops_assets.lake import MEDIA, PartitionScheme
from mlops_assets.settings import settings

media_partitions = dg.DynamicPartitionsDefinition(name="media")
"""One source on one arrival day, `camera-01@2026-11-20`; the landing sensor adds them."""

model_partitions = dg.StaticPartitionsDefinition([settings().model])
"""One registered model."""

DEFINITIONS: dict[PartitionScheme, dg.PartitionsDefinition] = {
    MEDIA: media_partitions,
    MODEL: model_partitions,
}
