"""Predict: what the champion says of files, by the very functions that fill the tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlops_assets.datasets import champions
from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.lake import MEDIA, Lake, Store, current_lake, use_lake
from mlops_assets.landing import Arrival
from mlops_assets.operations.naming import not_found
from mlops_assets.rows import Table
from mlops_assets.rows.parameters import EVERY, effective
from mlops_assets.settings import settings
from mlops_assets.tables import table_named
from mlops_assets.tables.decodings import Frame
from mlops_assets.tables.optical_flows import Flow
from mlops_assets.tables.raw_media import Media

PREDICTED = pl.Schema(
    {
        "file": pl.String(),
        "frame_id": pl.String(),
        "time_s": pl.Float64(),
        "label": pl.String(),
        "confidence": pl.Float64(),
        "model_version": pl.String(),
        "problem": pl.String(),
    }
)


@dataclass(frozen=True)
class _Call:
    """Calls tables' functions as a run for one source would."""

    lake: Lake
    source: str

    def values(self, table: Table) -> dict[str, Any]:
        """Parameters as they hold for the source, and the pins that do not hang on a partition."""
        producer = table.producer
        values = effective(producer, self.lake, self.source)
        at = MEDIA.of(self.source, datetime.now(UTC).date().isoformat())
        pins = {name: pin(self.lake, at, values) for name, pin in producer.pins.items()}
        return {**values, **pins}


def predict(
    files: str | Path | Sequence[str | Path],
    *,
    source: str | None = None,
    model_version: str | None = None,
    lake: Lake | None = None,
) -> pl.DataFrame:
    """What the champion says of videos and images, frame by frame; nothing is stored.

    Files go through the same functions, with the same parameters, as landed ones: gate, decode
    pass, motion, vectors, head. They are read in this process; land files that nobody vouches for,
    and worker processes with limits will read them.

    Args:
        files: one or several.
        source: take the parameters set for this source; those for all sources for None.
        model_version: such as `scene/3`; the champion for None.
        lake: where the model and the parameters are; the current one for None.

    Returns:
        `PREDICTED`: a row per frame; a file that gives none has one row with its `problem`.

    Raises:
        ConfigurationError: there is no champion yet, or no such version.
        InputError: a file is not there (`not_found`).
    """
    lake = lake or current_lake()
    chosen = [files] if isinstance(files, str | Path) else list(files)
    name = model_version or _champion(lake)
    missing = [str(one) for one in chosen if not Path(one).is_file()]
    if missing:
        raise not_found(f"there is no file {missing[0]}")
    call = _Call(lake, source or EVERY)
    with tempfile.TemporaryDirectory(prefix="mlops-predict-") as folder:
        scratch = Lake(Store(folder), "reference")
        parts = [_predict_file(Path(one), call, scratch, name) for one in chosen]
    return pl.concat([pl.DataFrame(schema=PREDICTED), *parts])


def _champion(lake: Lake) -> str:
    known = champions(lake, settings().model)
    if not known:
        raise ConfigurationError(
            f"model {settings().model!r} has no champion yet; label media and run the training"
        )
    return known[-1].name


def _predict_file(file: Path, call: _Call, scratch: Lake, model: str) -> pl.DataFrame:
    try:
        frames = _frames(file, call, scratch)
        scored = _score(frames, call, model)
    except InputError as err:
        rows = pl.DataFrame([{"file": str(file), "problem": f"{err.reason}: {err}"}])
        return rows.select(_column(rows, name) for name in PREDICTED)
    found = frames.select("frame_id", "time_s").join(scored, on="frame_id", maintain_order="left")
    found = found.with_columns(file=pl.lit(str(file)))
    return found.select(_column(found, name) for name in PREDICTED)


def _column(rows: pl.DataFrame, name: str) -> pl.Expr:
    value = pl.col(name) if name in rows.columns else pl.lit(None)
    return value.cast(PREDICTED[name]).alias(name)


def _frames(file: Path, call: _Call, scratch: Lake) -> pl.DataFrame:
    """What the gate and the decode pass make of a file: the rows of `frames`."""
    raw_media, frames = table_named("raw_media"), table_named("frames")
    with use_lake(scratch):
        media: Media = raw_media(_arrival(file, scratch), **call.values(raw_media))
        if media.status != "accepted":
            raise InputError(str(media.message), reason=str(media.reason))
        if media.kind not in ("video", "image"):
            raise InputError(f"a file of kind {media.kind} has no frames", reason="no_frames")
        events = list(frames(media, **call.values(frames)))
    return Frame.frame(event for event in events if isinstance(event, Frame))


def _arrival(file: Path, scratch: Lake) -> Arrival:
    stat, now = file.stat(), datetime.now(UTC)
    return Arrival(
        path=file.name,
        source_name="",
        size_bytes=stat.st_size,
        modified_at=datetime.fromtimestamp(stat.st_mtime, UTC),
        landed_at=now,
        sha256=scratch.vault.keep(file),
        sidecar_sha256=None,
        duplicate_of=None,
        ruling=None,
        ruling_reason=None,
    )


def _score(frames: pl.DataFrame, call: _Call, model: str) -> pl.DataFrame:
    """Vectors and motion joined as `predictions` reads them, and what the head says."""
    embeddings, flows = table_named("frame_embeddings"), table_named("optical_flows")
    predictions = table_named("predictions")
    pictures = frames.select(*embeddings.producer.lineage.readings[0].columns)
    vectors = embeddings(pictures, **call.values(embeddings)).drop("encoder", "encoder_version")
    motion = Flow.frame(_flows(frames, flows, call)).drop("media_id", "time_s")
    items = vectors.join(motion, on="frame_id", how="left", maintain_order="left")
    with use_lake(call.lake):
        return predictions(items, champion=model)


def _flows(frames: pl.DataFrame, flows: Table, call: _Call) -> Iterator[Flow]:
    """Motion of the frames that `optical_flows` would have; one that fails has none, as there."""
    values = {**call.values(flows), "store": "none"}
    where = flows.producer.lineage.where
    wanted = frames if where is None else frames.filter(where)
    for place in range(wanted.height):
        try:
            yield from flows(wanted.slice(place, 1), **values)
        except InputError:
            continue
