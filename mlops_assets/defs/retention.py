"""Retention: every night, forget what has been kept as long as the rules allow."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from mlops_assets.defs.assets import OWNERS
from mlops_assets.defs.erasing import InstanceHistory
from mlops_assets.defs.resources import LakeResource
from mlops_assets.errors import TransientError
from mlops_assets.lake import use_lake
from mlops_assets.operations.erasing import Forgotten, expired_media, forget, restored_media
from mlops_assets.settings import settings

BY = "retention"


class RetentionConfig(dg.Config):
    """How a night goes about it.

    Args:
        dry_run: only report what would go.
    """

    dry_run: bool = False


@dg.asset(group_name="ingest", owners=OWNERS, kinds={"deltalake"}, pool="maintenance")
def retention(
    context: dg.AssetExecutionContext, config: RetentionConfig, lake: LakeResource
) -> dg.MaterializeResult:
    """Forgets media that are older than `MLOPS_RETENTION` allows, and what a restore brought back.

    Grain: none, it keeps no rows. Key: none. Partition: none. Age counts from the first landing;
    rules are by source, or by source and privacy flag. What is forgotten goes everywhere, as by
    `mlops forget`; its metadata say how much, and never what.
    """
    opened, now = lake.open(), datetime.now(UTC)
    with use_lake(opened):
        over = expired_media(opened, settings().retention, now=now)
        back = restored_media(opened)
        history = InstanceHistory(context.instance)
        media = [*over["media_id"], *back]
        told = {"rules": settings().retention, "restored_media": len(back)}
        look = forget(media, history=history, lake=opened) if media else None
        if look and not config.dry_run:
            try:
                look = forget(
                    media,
                    reason=_reason(over, back),
                    by=BY,
                    do=True,
                    history=history,
                    lake=opened,
                )
            except TransientError as err:
                raise dg.RetryRequested(max_retries=3, seconds_to_wait=60) from err
    return dg.MaterializeResult(metadata={**told, **_by_rule(over), **_impact(look)})


def _reason(over: pl.DataFrame, back: list[str]) -> str:
    rules = ", ".join(sorted(over["rule"].unique())) or "none"
    return f"retention: {rules}" + (f"; {len(back)} restored from a copy" if back else "")


def _by_rule(over: pl.DataFrame) -> dict[str, Any]:
    counted = dict(over.group_by("rule").len().sort("rule").iter_rows())
    return {"expired_media": over.height, "expired_by_rule": dg.MetadataValue.json(counted)}


def _impact(done: Forgotten | None) -> dict[str, Any]:
    """Counts by kind and table: names of files and hashes would be a trace of what is forgotten."""
    if done is None:
        return {"forgotten_media": 0}
    counted = done.impact.group_by("what").agg(
        pl.len().alias("places"), pl.col("rows").sum(), pl.col("size_bytes").sum()
    )
    models = done.impact.filter(pl.col("what").is_in(["model", "snapshot"]))["name"].to_list()
    return {
        "forgotten_media": len(done.media) if done.done else 0,
        "traces_left": done.traces.height,
        "impact": dg.MetadataValue.json(counted.sort("what").to_dicts()),
        "snapshots_and_models": dg.MetadataValue.json(models),
    }


retention_job = dg.define_asset_job(
    "retention_job",
    selection=dg.AssetSelection.assets("retention"),
    description="Forget what the retention rules let go, and what a restore brought back.",
)

nightly_retention_schedule = dg.ScheduleDefinition(
    name="nightly_retention_schedule",
    job=retention_job,
    cron_schedule="30 1 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
