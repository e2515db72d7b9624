"""Drift verdicts: does a partition still look like what the model learned from?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import polars as pl

from mlops_assets.datasets import MODEL, champion_for
from mlops_assets.drift import Thresholds, compare_profiles, merge_profiles
from mlops_assets.lake import MEDIA, Lake, Partition, current_lake
from mlops_assets.landing import first_partition
from mlops_assets.rows import Row, each, table
from mlops_assets.settings import settings
from mlops_assets.tables.drift_profiles import DriftProfile, drift_profiles

_FIRST = "partition:"
_CHAMPION = "model:"


class DriftVerdict(Row, key="profile_id"):
    """How far one feature of a partition is from its reference."""

    profile_id: str
    partition: str
    feature: str
    reference: Annotated[str, "model:<name>/<version> or partition:<key>"]
    severity: Annotated[str, "none, warn, drift, or unknown when there is too little to tell"]
    measure: Annotated[str | None, "which distance decided"]
    distance: float | None
    limit: float | None
    psi: float | None
    ks: float | None
    wasserstein: float | None
    hellinger: float | None
    mean_shift: Annotated[float | None, "in standard deviations of the reference"]
    message: str


def _reference(lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str | None:
    """The champion, if it learned from this source; else the source's first partition."""
    source, day = partition.values
    champion = champion_for(lake, settings().model, day)
    if champion and (champion.name, source) in _known_references(lake):
        return _CHAMPION + champion.name
    first = first_partition(lake, source)
    return _FIRST + MEDIA.of(source, first).key if first else None


_KNOWN: dict[str, tuple[int, set[tuple[str, str]]]] = {}


def _known_references(lake: Lake) -> set[tuple[str, str]]:
    """Every model version and source there is a reference of."""
    snapshot = lake.snapshot("reference_profiles")
    if snapshot is None:
        return set()
    known = _KNOWN.get(lake.store.root)
    if known is None or known[0] != snapshot.version:
        names = pl.concat_str("model", "version", separator="/")
        rows = snapshot.scan().select(names, "source_name").unique().collect()
        known = _KNOWN[lake.store.root] = snapshot.version, set(rows.iter_rows())
    return known[1]


@table(
    each(drift_profiles.said),
    version="1",
    pins={"reference": _reference},
    looks_at=("reference_profiles",),
)
def drift_verdicts(profile: DriftProfile, *, reference: str = "") -> DriftVerdict:
    """Each feature of a partition against its reference, from stored profiles only.

    Grain: one row per feature. Key: `profile_id`. Partition: source and arrival day. Replaced when
    the profile or the champion changes. The reference is what the champion learned from this
    source, else the source's first partition. Limits: a partition the champion learned from is no
    drift; with fewer than 20 values on a side the verdict is `unknown`.
    """
    stored = _payload(current_lake(), reference, profile)
    if stored is None:
        return _without_reference(profile, reference)
    limits = Thresholds(values_per_unit=max(1.0, _values_per_media(profile)))
    found = compare_profiles(profile.payload, stored, thresholds=limits)
    return DriftVerdict(
        profile_id=profile.profile_id,
        partition=profile.partition,
        feature=profile.feature,
        reference=reference,
        severity=found.severity,
        measure=found.measure,
        distance=found.distance,
        limit=found.limit,
        psi=found.psi,
        ks=found.ks,
        wasserstein=found.wasserstein,
        hellinger=found.hellinger,
        mean_shift=found.mean_shift,
        message=found.message,
    )


def _without_reference(profile: DriftProfile, reference: str) -> DriftVerdict:
    nothing: dict[str, Any] = dict.fromkeys(
        ("measure", "distance", "limit", "psi", "ks", "wasserstein", "hellinger", "mean_shift")
    )
    return DriftVerdict(
        profile_id=profile.profile_id,
        partition=profile.partition,
        feature=profile.feature,
        reference=reference,
        severity="unknown",
        message=f"{reference} has no profile of {profile.feature}",
        **nothing,
    )


def _values_per_media(profile: DriftProfile) -> float:
    from mlops_assets.drift import read_profile

    return read_profile(profile.payload).count / max(1, profile.media_count)


def _payload(lake: Lake, reference: str, profile: DriftProfile) -> bytes | None:
    """The stored profile a feature is held against; None when the reference has none.

    A partition the champion learned from is held against itself.
    """
    if reference.startswith(_FIRST):
        partition = MEDIA.parse(reference.removeprefix(_FIRST))
        rows = drift_profiles.rows(lake, partition)
    else:
        source = MEDIA.parse(profile.partition).values[0]
        rows = _of_model(lake, reference.removeprefix(_CHAMPION), source)
        learned = rows.filter(pl.col("learned_from").list.contains(profile.partition))
        if learned.head(1).collect().height:
            return profile.payload
    found = rows.filter(pl.col("feature") == profile.feature).select("payload").collect()
    return merge_profiles(found["payload"].to_list()).payload if found.height else None


def _of_model(lake: Lake, name: str, source: str) -> pl.LazyFrame:
    model, _, version = name.rpartition("/")
    rows = lake.scan("reference_profiles", MODEL.of(model))
    if rows is None:
        columns = {
            "feature": pl.String(),
            "payload": pl.Binary(),
            "learned_from": pl.List(pl.String()),
        }
        return pl.LazyFrame(schema=columns)
    mine = (pl.col("version") == int(version)) & (pl.col("source_name") == source)
    return rows.filter(mine)


@drift_verdicts.check()
def nothing_has_drifted(rows: pl.LazyFrame) -> pl.LazyFrame:
    """No feature of the partition has drifted from its reference."""
    return rows.filter(pl.col("severity") == "drift")


@drift_verdicts.picture
def worst_distribution(rows: pl.LazyFrame) -> bytes | None:
    """The feature furthest beyond its limit, and its reference behind it."""
    from mlops_assets.drift import distribution_picture

    judged = rows.filter(pl.col("distance").is_not_null())
    top = judged.sort(pl.col("distance") / pl.col("limit"), descending=True).head(1).collect()
    if top.is_empty():
        return None
    row = top.row(0, named=True)
    lake = current_lake()
    mine = drift_profiles.rows(lake, MEDIA.parse(row["partition"]))
    found = mine.filter(pl.col("profile_id") == row["profile_id"]).collect()
    profile = DriftProfile.of(found.row(0, named=True))
    against = _payload(lake, row["reference"], profile)
    return distribution_picture(profile.payload, against, feature=row["feature"])
