"""The ledger of arrivals: what landed, where, when, and in which partition it stays."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import numpy as np
import polars as pl

from mlops_assets.lake import Lake, Ledger, Partition
from mlops_assets.landing.rulings import RULINGS
from mlops_assets.rows import Origin, Row
from mlops_assets.rows.fingerprints import as_signed, as_unsigned, combine, fingerprint, mix

_TIME = pl.Datetime("us", "UTC")

ARRIVALS = Ledger(
    "arrivals",
    pl.Schema(
        {
            "source": pl.String(),
            "path": pl.String(),
            "day": pl.String(),
            "size_bytes": pl.Int64(),
            "modified_at": _TIME,
            "sha256": pl.String(),
            "sidecar_sha256": pl.String(),
            "sidecar_modified_at": _TIME,
            "landed_at": _TIME,
            "recorded_at": _TIME,
            "_fp": pl.Int64(),
            "name": pl.String(),
            "mark": pl.String(),
            "sidecar_path": pl.String(),
            "sidecar_mark": pl.String(),
        }
    ),
    ("source", "path"),
)
"""One statement per file and change. `day` is sticky: the partition is chosen once per path.

`name` is what the source calls it where that is not its path; `mark` tells a change, as the source
shows it. Statements of version 0.1 have neither.
"""

_STATED = ("path", "size_bytes", "modified_at", "sha256", "sidecar_sha256", "landed_at")


class Arrival(Row, key="path"):
    """A landed file as the platform knows it before looking inside."""

    path: Annotated[str, "within the source's folder, NFC, with /"]
    source_name: str
    size_bytes: int
    modified_at: Annotated[datetime, "of the landed file"]
    landed_at: Annotated[datetime, "first seen"]
    sha256: str
    sidecar_sha256: str | None
    duplicate_of: Annotated[str | None, "source/path of the earliest arrival of equal bytes"]
    ruling: Annotated[str | None, "the latest decision of a person: quarantined, released"]
    ruling_reason: str | None


def stamped(rows: pl.DataFrame) -> pl.DataFrame:
    """Arrivals with their fingerprint, ready to be appended."""
    return rows.with_columns(fingerprint(rows, _STATED)).select(list(ARRIVALS.schema))


def _read(lake: Lake, partition: Partition) -> pl.DataFrame:
    mine = pl.all_horizontal(pl.col(n) == v for n, v in partition.as_dict.items())
    rows = known_arrivals(lake).filter(mine)
    return rows.with_columns(source_name=pl.col("source")).select(
        pl.col(name).cast(dtype) for name, dtype in Arrival.schema().items()
    )


arrivals = Origin("arrivals", Arrival, _read)
"""The latest arrival per path of a partition, with its owner and its ruling."""

_CACHE: dict[str, tuple[tuple[int, int], pl.DataFrame]] = {}
_FIRST: dict[str, tuple[pl.DataFrame, dict[str, str]]] = {}


def known_arrivals(lake: Lake) -> pl.DataFrame:
    """Every path's latest arrival with `duplicate_of`, `ruling`, `ruling_reason` and `_state`.

    `_state` changes when anything that `raw_media` reads of it changes.
    """
    versions = (ARRIVALS.version(lake), RULINGS.version(lake))
    cached = _CACHE.get(lake.store.root)
    if cached is None or cached[0] != versions:
        cached = _CACHE[lake.store.root] = (versions, _judge(lake))
    return cached[1]


def _judge(lake: Lake) -> pl.DataFrame:
    rows = _with_owner(_without_adopted(latest_arrivals(lake)))
    rulings = RULINGS.latest(lake)
    rulings = rulings.with_columns(fingerprint(rulings, ["ruling", "reason"]).alias("_ruled"))
    rows = rows.join(
        rulings.select("media_id", "ruling", "_ruled", ruling_reason=pl.col("reason")),
        left_on="sha256",
        right_on="media_id",
        how="left",
    )
    state = combine([rows["_fp"], rows["_owner"], rows["_ruled"]])
    return rows.with_columns(state.alias("_state"))


def latest_arrivals(lake: Lake) -> pl.DataFrame:
    """Every path's latest arrival, with the columns of `ARRIVALS`; those of older ones filled in.

    Version 0.1 told changes by size and time, and knew one name for a sidecar.
    """
    rows = ARRIVALS.latest(lake)
    absent = [n for n in ARRIVALS.schema if n not in rows.columns]
    rows = rows.with_columns(pl.lit(None, pl.String()).alias(name) for name in absent)
    told = pl.format("{}:{}", "size_bytes", pl.col("modified_at").dt.epoch("us"))
    beside = pl.when(pl.col("sidecar_sha256").is_not_null()).then(pl.col("path") + ".json")
    return rows.with_columns(
        mark=pl.coalesce("mark", told), sidecar_path=pl.coalesce("sidecar_path", beside)
    ).select(list(ARRIVALS.schema))


def _without_adopted(rows: pl.DataFrame) -> pl.DataFrame:
    """Without sidecars that landed before the file they belong to and have been taken since."""
    taken = rows.select("source", path="sidecar_path").drop_nulls()
    return rows.join(taken, on=["source", "path"], how="anti")


def _with_owner(rows: pl.DataFrame) -> pl.DataFrame:
    """Equal bytes are owned by the earliest arrival; the others name it in `duplicate_of`."""
    order = ["landed_at", "source", "path"]
    owners = (
        rows.sort(order)
        .unique("sha256", keep="first")
        .select(
            "sha256",
            _owner_name=pl.concat_str("source", "path", separator="/"),
            _owner_fp="_fp",
        )
    )
    rows = rows.join(owners, on="sha256", how="left")
    is_owner = pl.concat_str("source", "path", separator="/") == pl.col("_owner_name")
    return rows.with_columns(
        duplicate_of=pl.when(~is_owner).then(pl.col("_owner_name")),
        _owner=pl.when(~is_owner).then(pl.col("_owner_fp")),
    )


def desired_digests(lake: Lake) -> pl.DataFrame:
    """Per partition: `files`, `size_bytes`, `latest_at`, and a `digest` of its arrivals."""
    rows = known_arrivals(lake)
    mixed = as_signed("_mixed", mix(as_unsigned(rows["_state"]) ^ np.uint64(1)))
    return (
        rows.with_columns(mixed)
        .group_by("source", "day")
        .agg(
            files=pl.len(),
            size_bytes=pl.col("size_bytes").sum(),
            latest_at=pl.col("recorded_at").max(),
            digest=pl.col("_mixed").bitwise_xor(),
        )
        .sort("latest_at", "source", "day")
    )


def first_partition(lake: Lake, source: str) -> str | None:
    """The day of a source's first partition; None when nothing of it landed."""
    rows = known_arrivals(lake)
    known = _FIRST.get(lake.store.root)
    if known is None or known[0] is not rows:
        first = rows.sort("landed_at", "day").unique("source", keep="first", maintain_order=True)
        days = dict(first.select("source", "day").iter_rows())
        known = _FIRST[lake.store.root] = rows, days
    return known[1].get(source)
