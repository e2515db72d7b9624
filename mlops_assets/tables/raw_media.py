"""Raw media: what landed, what it is, and whether it is fit."""

from __future__ import annotations

import dataclasses
import json
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from annotated_types import Ge, Gt, Le

from mlops_assets.gates import Admission, Clock, Limits, admit
from mlops_assets.lake import MEDIA, current_lake
from mlops_assets.landing import Arrival, arrivals
from mlops_assets.landing.stopped_sheet import SHEET_ITEMS, Stopped, draw_stopped
from mlops_assets.landing.tombstones import ERASED
from mlops_assets.media.probing.probed import Probe
from mlops_assets.privacy import preview
from mlops_assets.rows import How, Row, each, table
from mlops_assets.settings import settings

_STOPPED = pl.col("status") == "quarantined"
_STOPPED_LIMIT = 0.25
_ENOUGH_FILES = 20  # of a source, to say what is usual
_CONTENT = ("media_id", "kind", "status", "path", "rotation_deg")


_JUDGED = (
    *("media_id", "kind", "status", "flags", "privacy", "ruling"),
    *("width_px", "height_px", "frame_rate_num", "frame_rate_den"),
)


class Media(
    Row,
    key="path",
    content=_CONTENT,
    said=("media_id", "kind", "status", "labels_json"),
    judged=_JUDGED,
):
    """One landed file, accepted or not."""

    path: Annotated[str, "within the source's folder"]
    media_id: Annotated[str, "SHA-256 of the bytes"]
    kind: Annotated[
        str, "video, image, audio, document, archive, labels or unknown; told from the bytes"
    ]
    status: Annotated[str, "accepted, quarantined or duplicate"]
    reason: Annotated[str | None, "code, when it is not accepted"]
    message: Annotated[str | None, "what a person reads"]
    flags: Annotated[list[str], "codes of docs/gates.md: odd, and no reason to refuse it"]
    ruling: Annotated[str | None, "what a person decided: quarantined, released or rejected"]
    duplicate_of: Annotated[str | None, "source/path of the owner of equal bytes"]
    mime: str
    size_bytes: int
    container: str | None
    video_codec: str | None
    audio_codec: str | None
    bit_rate_bps: Annotated[int | None, "average over the whole file"]
    pixel_format: str | None
    bit_depth: Annotated[int | None, "of one component"]
    width_px: Annotated[int | None, "as stored"]
    height_px: Annotated[int | None, "as stored"]
    rotation_deg: Annotated[int, "clockwise, that makes the stored picture upright"]
    is_mirrored: Annotated[bool, "to be mirrored left to right before it is turned"]
    frame_rate_num: Annotated[int | None, "frames per second, exact numerator"]
    frame_rate_den: int | None
    time_base_num: Annotated[int | None, "seconds per tick, exact numerator"]
    time_base_den: int | None
    duration_s: float | None
    packet_count: int | None
    page_count: int | None
    captured_at: Annotated[datetime, "UTC"]
    captured_at_from: Annotated[str, "sidecar, exif, container, name or file"]
    has_zone: Annotated[bool, "the time was stated with its zone, or in UTC by definition"]
    landed_at: datetime
    device: str | None
    latitude_deg: float | None
    longitude_deg: float | None
    caption: str | None
    tags: list[str]
    privacy: Annotated[list[str], "flags of the sidecar"]
    labels_json: Annotated[str | None, "labels of the sidecar, as they were given"]
    sidecar_dialect: Annotated[str | None, "own, takeout or xmp"]
    sidecar_json: Annotated[str | None, "every other field of the sidecar"]
    sidecar_problem: Annotated[str | None, "why the sidecar could not be read"]
    vault_path: Annotated[str, "where the bytes lie, relative to the lake"]

    def open(self) -> AbstractContextManager[Path]:
        """The bytes as a local file, while the block lasts; see `Vault.open`."""
        return current_lake().vault.open(self.media_id)


@table(
    each(arrivals),
    version="3",
    how=How(executor="processes", slice_units=256, weigh_by="size_bytes", pool="decode"),
)
def raw_media(  # noqa: PLR0913 - each is a threshold or a fact of the source
    arrival: Arrival,
    *,
    max_mpixels: Annotated[float, Gt(0), "largest picture, million pixels"] = 100.0,
    max_duration_s: Annotated[float, Gt(0), "longest video"] = 86_400.0,
    max_pages: Annotated[int, Gt(0), "longest document"] = 5_000,
    max_gb: Annotated[float, Gt(0), "largest file"] = 20.0,
    max_rate_hz: Annotated[float, Gt(0), "frames per second no camera exceeds"] = 1_000.0,
    clock_ahead_s: Annotated[
        float, Ge(-86_400), Le(86_400), "by which clocks that state no zone are ahead of UTC"
    ] = 0.0,
    name_pattern: Annotated[
        str, "where the time stands in a file name, as cam_%Y%m%d-%H%M%S; empty: the usual ones"
    ] = "",
) -> Media:
    """Landed files: what each is, from headers and packets, and whether it is fit.

    Grain: one row per landed file, good or bad. Key: `path` within the source.
    Partition: source and arrival day; a path stays in the partition of its first arrival.
    A file landed again under its path replaces its row; one that vanishes keeps it: the vault has
    the bytes. Limits: nothing here has looked at a pixel, so damage inside is seen by `decodings`.
    """
    if arrival.ruling == ERASED:
        return _media(arrival, _refused(arrival))
    limits = Limits(
        max_bytes=int(max_gb * 1e9),
        max_pixels=int(max_mpixels * 1e6),
        max_duration_s=max_duration_s,
        max_pages=max_pages,
        max_rate_hz=max_rate_hz,
    )
    vault = current_lake().vault
    sidecar = vault.read(arrival.sidecar_sha256) if arrival.sidecar_sha256 else None
    with vault.open(arrival.sha256) as file:
        admission = admit(
            file,
            name=arrival.path,
            sidecar=sidecar,
            modified_at=arrival.modified_at,
            limits=limits,
            clock=Clock(clock_ahead_s, name_pattern),
        )
    return _media(arrival, admission)


def _refused(arrival: Arrival) -> Admission:
    """Of what was forgotten and landed again nothing is read, and nothing was kept."""
    return Admission(
        kind="unknown",
        mime="",
        size_bytes=arrival.size_bytes,
        status="quarantined",
        reason=ERASED,
        message=f"forgotten, and not taken in again: {arrival.ruling_reason}",
        flags=(),
        probe=None,
        labels=None,
        sidecar=None,
        sidecar_problem="",
        captured_at=arrival.modified_at,
        captured_at_from="file",
        has_zone=True,
    )


def _media(arrival: Arrival, admission: Admission) -> Media:
    probe = admission.probe or Probe("unknown", admission.mime)
    sidecar = admission.sidecar
    place = (sidecar.place if sidecar else None) or probe.gps
    status, reason, message = _verdict(arrival, admission)
    return Media(
        path=arrival.path,
        media_id=arrival.sha256,
        kind=admission.kind,
        status=status,
        reason=reason,
        message=message,
        flags=list(admission.flags),
        ruling=arrival.ruling or None,
        duplicate_of=arrival.duplicate_of,
        mime=admission.mime,
        size_bytes=arrival.size_bytes,
        container=probe.container,
        video_codec=probe.video_codec,
        audio_codec=probe.audio_codec,
        bit_rate_bps=probe.bit_rate_bps,
        pixel_format=probe.pixel_format,
        bit_depth=probe.bit_depth,
        width_px=probe.width_px,
        height_px=probe.height_px,
        rotation_deg=probe.rotation_deg,
        is_mirrored=probe.is_mirrored,
        **_exact("frame_rate", probe.frame_rate),
        **_exact("time_base", probe.time_base),
        duration_s=probe.duration_s,
        packet_count=probe.packet_count,
        page_count=probe.page_count,
        captured_at=admission.captured_at,
        captured_at_from=admission.captured_at_from,
        has_zone=admission.has_zone,
        landed_at=arrival.landed_at,
        device=(sidecar.device if sidecar else None) or probe.device,
        latitude_deg=place[0] if place else None,
        longitude_deg=place[1] if place else None,
        caption=sidecar.caption if sidecar else None,
        tags=sidecar.tags if sidecar else [],
        privacy=sidecar.privacy if sidecar else [],
        labels_json=_labels_json(admission),
        sidecar_dialect=sidecar.dialect if sidecar else None,
        sidecar_json=json.dumps(sidecar.extra, sort_keys=True) if sidecar else None,
        sidecar_problem=admission.sidecar_problem or None,
        vault_path=current_lake().vault.path(arrival.sha256),
    )


def _verdict(arrival: Arrival, admission: Admission) -> tuple[str, str | None, str | None]:
    """The gates first unless a person released it, then a person, then the owner of equal bytes."""
    if admission.status == "quarantined" and arrival.ruling != "released":
        return "quarantined", admission.reason, admission.message
    if arrival.ruling in ("quarantined", "rejected"):
        return "quarantined", "by_hand", arrival.ruling_reason
    if arrival.duplicate_of and admission.kind != "labels":  # labels speak of their own folder
        return "duplicate", "duplicate", f"the same bytes as {arrival.duplicate_of}"
    return "accepted", None, admission.message or None


def _exact(name: str, value: Any) -> dict[str, int | None]:
    top, bottom = (None, None) if value is None else (value.numerator, value.denominator)
    return {f"{name}_num": top, f"{name}_den": bottom}


def _labels_json(admission: Admission) -> str | None:
    if not admission.sidecar or not admission.sidecar.labels:
        return None
    return json.dumps([dataclasses.asdict(one) for one in admission.sidecar.labels], default=str)


@raw_media.check(blocking=True)
def verdicts_have_reasons(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Whatever is not accepted says why."""
    return rows.filter((pl.col("status") != "accepted") & pl.col("reason").is_null())


@raw_media.check(blocking=True)
def accepted_media_are_unique(rows: pl.LazyFrame) -> pl.LazyFrame:
    """No bytes are accepted twice."""
    kept = rows.filter((pl.col("status") == "accepted") & (pl.col("kind") != "labels"))
    return kept.filter(pl.col("media_id").is_duplicated())


@raw_media.check()
def sidecars_are_readable(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every sidecar could be read."""
    return rows.filter(pl.col("sidecar_problem").is_not_null())


@raw_media.check()
def few_files_are_quarantined(rows: pl.LazyFrame) -> pl.LazyFrame:
    """At most a quarter of the partition's files are out of use."""
    return rows.filter(_STOPPED & (_STOPPED.mean() > _STOPPED_LIMIT))


@raw_media.check()
def no_more_files_are_quarantined_than_usual(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The share out of use did not jump: threefold, and 5 points over the source's share before."""
    here = rows.select("source", "day").head(1).collect()
    if here.is_empty():
        return rows
    source, day = here.row(0)
    before = raw_media.rows(current_lake()).filter(pl.col("source") == source, pl.col("day") < day)
    files, share = before.select(pl.len(), _STOPPED.mean()).collect().row(0)
    if files < _ENOUGH_FILES:
        return rows.head(0)
    return rows.filter(_STOPPED & (_STOPPED.mean() > max(3 * share, share + 0.05)))


@raw_media.picture
def quarantined(rows: pl.LazyFrame) -> bytes | None:
    """What is out of use in the partition, newest first, with its reason."""
    latest = rows.filter(_STOPPED).sort("landed_at", "path", descending=[True, False])
    return stopped_sheet(latest.head(SHEET_ITEMS).collect())


def stopped_sheet(rows: pl.DataFrame) -> bytes | None:
    """A contact sheet of rows that are out of use; see `draw_stopped`.

    Nobody is shown what was forgotten, what a person rejected, what its sidecar calls private, and
    what `screenings` does not call open.

    Args:
        rows: `media_id`, `path`, `kind`, `reason`, `size_bytes`, `ruling` and `privacy`.

    Returns:
        JPEG; None for no rows.
    """
    from mlops_assets.tables.screenings import screenings  # which is made from this table

    lake = current_lake()
    policies = screenings.rows(lake).filter(pl.col("policy") != "open").select("media_id")
    guarded = policies.filter(pl.col("media_id").is_in(rows["media_id"].to_list())).collect()
    is_gone = pl.col("ruling").is_in([ERASED, "rejected"]) | (pl.col("reason") == ERASED)
    is_private = (pl.col("privacy").list.len() > 0).fill_null(value=True)
    is_guarded = pl.col("media_id").is_in(guarded["media_id"].to_list())
    told = rows.select(
        *("media_id", "path", "kind", "reason", "size_bytes"),
        is_hidden=is_gone.fill_null(value=False) | is_private | is_guarded,
    )
    items = [Stopped(**row) for row in told.iter_rows(named=True)]
    return draw_stopped(items, lake.vault)


def shown(pictures: pl.DataFrame) -> list[bytes]:
    """Stored pictures as they may be shown to everybody, in their order.

    As they are where `MLOPS_SHOW` names both `open` and `private`; else faces and plates are
    covered, and of media whose sidecar calls them private only colours are left.

    Args:
        pictures: `source`, `day`, `media_id` and `jpeg`, of one partition.
    """
    if {"open", "private"} <= set(settings().show) or pictures.is_empty():
        return pictures["jpeg"].to_list()
    partition = MEDIA.of(pictures["source"][0], pictures["day"][0])
    flagged = raw_media.rows(current_lake(), partition).filter(pl.col("privacy").list.len() > 0)
    private = set(flagged.select("media_id").collect()["media_id"])
    told = pictures.select("media_id", "jpeg").iter_rows()
    return [preview(jpeg, is_private=media_id in private) for media_id, jpeg in told]


def accepted(*kinds: str) -> pl.Expr:
    """The accepted media of some kinds, for a lineage's `where`."""
    return (pl.col("status") == "accepted") & pl.col("kind").is_in(list(kinds))
