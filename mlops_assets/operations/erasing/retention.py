"""Retention: which media have been kept as long as the rules allow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake
from mlops_assets.landing.tombstones import ERASED, erased_media
from mlops_assets.tables import table_named

EVERY = "*"
_MARK = "#"


def expired_media(lake: Lake, rules: Mapping[str, float], *, now: datetime) -> pl.DataFrame:
    """The media that are older than a rule allows.

    Args:
        lake: where.
        rules: days to keep, by `source`, or `source#flag` for files whose sidecar has that privacy
            flag; `*` is every source. The fewest days of the rules that fit a file count.
        now: the time to judge by. Age counts from the first landing.

    Returns:
        `media_id`, `source`, `rule`, sorted: one row each, of a medium's oldest file. A medium of
        which any file may stay, or has no rule, is not among them.

    Raises:
        ConfigurationError: a rule has less than no days, or names no source.
    """
    for name, days in rules.items():
        if days < 0 or not name.partition(_MARK)[0]:
            raise ConfigurationError(
                f"MLOPS_RETENTION: {name!r}: {days}; expected a source, or source#flag, and days"
            )
    rows = table_named("raw_media").rows(lake).filter(pl.col("reason").ne_missing(ERASED))
    files = rows.select("media_id", "source", "privacy", "landed_at").collect()
    if files.is_empty() or not rules:
        return pl.DataFrame(schema=dict.fromkeys(("media_id", "source", "rule"), pl.String()))
    judged = files.with_columns(*_strictest(rules))
    age_days = (pl.lit(now) - pl.col("landed_at")).dt.total_seconds() / 86_400
    is_over = (age_days >= pl.col("days")).fill_null(False)
    over = judged.filter(is_over.all().over("media_id"))
    first = over.sort("landed_at", "source").unique("media_id", keep="first")
    return first.select("media_id", "source", "rule").sort(pl.all())


def _strictest(rules: Mapping[str, float]) -> tuple[pl.Expr, pl.Expr]:
    """Days and rule of each file; null where none fits."""
    days, rule = pl.lit(None, pl.Float64), pl.lit(None, pl.String)
    for name, limit in sorted(rules.items(), key=lambda one: -one[1]):  # the last that fits holds
        source, mark, flag = name.partition(_MARK)
        fits = pl.lit(True) if source == EVERY else pl.col("source") == source
        fits = fits & pl.col("privacy").list.contains(flag) if mark else fits
        days = pl.when(fits).then(float(limit)).otherwise(days)
        rule = pl.when(fits).then(pl.lit(name)).otherwise(rule)
    return days.alias("days"), rule.alias("rule")


def restored_media(lake: Lake) -> list[str]:
    """Media that were forgotten and whose bytes are back: the lake was restored from a copy."""
    return sorted(one for one in erased_media(lake) if lake.vault.holds(one))
