"""Moments as people use them: listed, and exported as clips of their own."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import polars as pl

from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.lake import Lake, current_lake
from mlops_assets.media.cutting import cut_clip, suffix_for
from mlops_assets.operations.naming import find_media, not_found
from mlops_assets.tables import table_named

_EXACT = ("start_num", "start_den", "end_num", "end_den")
_SHOWN = ("start_s", "end_s", "key_frame_id", "change_per_s")


def moments_of(media: str, *, lake: Lake | None = None) -> pl.DataFrame:
    """The moments of a video, in order of time.

    Args:
        media: SHA-256 of the bytes, at least its first 8 digits, or `source/path`.
        lake: which; the current one for None.

    Returns:
        `moment_id`, `index`, `start_s`, `end_s`, `key_frame_id`, `change_per_s`, and the exact
        times `start_num` / `start_den` and `end_num` / `end_den` in seconds.

    Raises:
        InputError: no such media, or no moments of it (`not_found`).
    """
    lake = lake or current_lake()
    media_id = find_media(media, lake)["media_id"][0]
    rows = table_named("moments").rows(lake).filter(pl.col("media_id") == media_id)
    found = rows.select("moment_id", "index", *_SHOWN, *_EXACT).sort("index").collect()
    if found.is_empty():
        raise not_found(f"{media} has no moments: it is no video, or is not decoded yet")
    return found


def export_moments(
    media: str,
    folder: Path,
    *,
    index: int | None = None,
    lake: Lake | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Write moments of a video as clips, without encoding where that is exact.

    Args:
        media: as `moments_of`.
        folder: where the clips go; made if it is not there. An equally named file is replaced.
        index: only this moment.
        lake: which; the current one for None.
        progress: told moments done and moments to do.

    Returns:
        `file`, `start_s`, `end_s`, `pictures` (`copied` or `encoded`), one row a clip.

    Raises:
        InputError: no such media or moment (`not_found`); a moment without a picture
            (`nothing_there`).
        ConfigurationError: the folder cannot be written to.
    """
    lake = lake or current_lake()
    rows = moments_of(media, lake=lake)
    if index is not None:
        rows = rows.filter(pl.col("index") == index)
    if rows.is_empty():
        raise not_found(f"{media} has no moment {index}; mlops moments list shows what it has")
    media_id, done = rows["moment_id"][0].partition("@")[0], []
    _require_folder(folder)
    with lake.vault.open(media_id) as file:
        suffix = suffix_for(file)
        for row in rows.iter_rows(named=True):
            to = folder / f"{media_id[:12]}_{row['index']:04}{suffix}"
            done.append((str(to), row["start_s"], row["end_s"], _export(file, to, row)))
            if progress:
                progress(len(done), rows.height)
    columns = {"file": pl.String, "start_s": pl.Float64, "end_s": pl.Float64, "pictures": pl.String}
    return pl.DataFrame(done, schema=columns, orient="row")


def _require_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise ConfigurationError(f"cannot write to {folder}: {err}") from err


def _export(file: Path, to: Path, row: dict[str, int]) -> str:
    """Beside the target first, so that a clip is there whole or not at all."""
    start = Fraction(row["start_num"], row["start_den"])
    end = Fraction(row["end_num"], row["end_den"])
    part = to.with_name(f".{to.stem}.part{to.suffix}")
    try:
        how = cut_clip(file, part, start=start, end=end)
        part.replace(to)
    except OSError as err:
        raise ConfigurationError(f"cannot write {to}: {err}") from err
    except InputError as err:
        raise InputError(f"moment {row['index']}: {err}", reason=err.reason) from err
    finally:
        part.unlink(missing_ok=True)
    return how
