"""Screenings: every gate behind the door, judged from what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
import polars as pl
from annotated_types import Ge, Le
from pydantic import AfterValidator

from mlops_assets.errors import ConfigurationError
from mlops_assets.filters import Evidence, judge_sound
from mlops_assets.gates import GATES
from mlops_assets.gates.bands import expected_bands
from mlops_assets.gates.findings import Finding, find
from mlops_assets.gates.measures import MEASURES, Values
from mlops_assets.gates.screening import (
    Expectation,
    codes_to_stop_on,
    judge_languages,
    judge_measures,
    stated_limits,
    usual_languages,
)
from mlops_assets.lake import MEDIA, Partition, current_lake
from mlops_assets.media.loudness import SoundLevels
from mlops_assets.rows import Grouped, History, How, Only, Row, group, table
from mlops_assets.tables.decodings import decodings, frames
from mlops_assets.tables.documents import documents
from mlops_assets.tables.raw_media import accepted, raw_media, shown
from mlops_assets.tables.sightings import sightings

HISTORY = History("screenings", enough_rows=500, most_partitions=14, if_on="adaptive")

_FLAGGED_LIMIT, _STOPPED_LIMIT = 0.25, 0.1
_SHOWN, _TILE_PX = 12, 270
_JUDGED_HERE = [gate.code for gate in GATES.values() if gate.stage == "screen"]
_NAMES = [one.name for one in MEASURES]
_SOUND = ("sound_level_db", "ultrasonic_db", "ultrasonic_excess_db")
_LIMITS = {*(gate.limit for gate in GATES.values() if gate.stage == "screen"), "languages"}


class Screening(Row, key="media_id", verdicts=("media_id", "verdict", "policy")):
    """What is said of one medium that is let in."""

    media_id: str
    partition: str
    kind: str
    verdict: Annotated[str, "clear, flagged or stopped"]
    findings: Annotated[list[str], "codes of docs/gates.md, each once"]
    messages: Annotated[list[str], "what a person reads; of `unusual` one a measure"]
    policy: Annotated[str, "open, private or withheld: who may see it"]
    brightness: Annotated[float | None, "0 to 1; this and what follows: what was judged"]
    contrast: Annotated[float | None, "0 to 0.5"]
    sharpness: float | None
    clipped_dark: Annotated[float | None, "0 to 1"]
    clipped_bright: Annotated[float | None, "0 to 1"]
    noise: Annotated[float | None, "gray levels"]
    blockiness: float | None
    black_share: Annotated[float | None, "of the duration"]
    frozen_share: Annotated[float | None, "of the duration"]
    aspect: Annotated[float | None, "longer side over shorter"]
    short_side_px: float | None
    rate_hz: Annotated[float | None, "pictures a second, as the container says"]
    damaged_share: Annotated[float | None, "of a text's characters"]
    garbage_share: Annotated[float | None, "of a text's characters"]
    language: Annotated[str | None, "ISO 639-1, of a text"]
    history_from: Annotated[str | None, "day of the first partition of the history"]
    history_to: Annotated[str | None, "day of the last"]
    history_media: Annotated[int, "of the same kind"]


def _known_codes(told: str) -> str:
    try:
        codes_to_stop_on(told)
    except ConfigurationError as err:
        raise ValueError(str(err)) from err
    return told


Share = Annotated[float | None, Ge(0), Le(1)]
AtLeastZero = Annotated[float | None, Ge(0)]


@table(
    group(
        raw_media.judged,
        decodings.judged,
        documents.judged,
        sightings.judged,
        where=accepted("video", "image", "audio", "document"),
    ),
    version="1",
    how=How(commit="partition"),
    pins={"history": HISTORY},
)
def screenings(  # noqa: PLR0913 - each is a threshold of the source
    part: Grouped,
    *,
    adaptive: Annotated[bool, "also hold media against what their source sent before"] = True,
    stop_on: Annotated[
        str, AfterValidator(_known_codes), "codes that withhold a medium, with commas between"
    ] = "",
    min_brightness: Annotated[Share, "none: 0.05, or what the history says"] = None,
    max_brightness: Annotated[Share, "none: 0.95, or what the history says"] = None,
    min_contrast: Annotated[Share, "none: 0.02, or what the history says"] = None,
    min_sharpness: Annotated[AtLeastZero, "none: 10, or what the history says"] = None,
    max_clipped_dark: Annotated[Share, "none: 0.7, or what the history says"] = None,
    max_clipped_bright: Annotated[Share, "none: 0.5, or what the history says"] = None,
    max_noise: Annotated[AtLeastZero, "gray levels; none: 12, or the history's"] = None,
    max_blockiness: Annotated[AtLeastZero, "none: 0.5, or what the history says"] = None,
    max_black_share: Annotated[Share, "none: 0.5, or what the history says"] = None,
    max_frozen_share: Annotated[Share, "none: 0.8, or what the history says"] = None,
    max_aspect: Annotated[AtLeastZero, "none: 4, or what the history says"] = None,
    min_side_px: Annotated[AtLeastZero, "none: 64, or what the history says"] = None,
    max_side_px: Annotated[AtLeastZero, "none: 10,000, or what the history says"] = None,
    min_rate_hz: Annotated[AtLeastZero, "none: 1, or what the history says"] = None,
    max_usual_rate_hz: Annotated[AtLeastZero, "none: 300, or what the history says"] = None,
    max_damaged_share: Annotated[Share, "none: 0.01, or what the history says"] = None,
    max_garbage_share: Annotated[Share, "none: 0.25, or what the history says"] = None,
    languages: Annotated[str, "of texts, as `de, en`; empty: those of the history"] = "",
    history: str = "",
) -> Iterator[Screening]:
    """Whether each medium is fit for models and people, and why not.

    Grain: one row per accepted video, image, sound or document. Key: `media_id`. Partition: source
    and arrival day. All rows of a partition are replaced together when a measure, a flag, a
    threshold or the history changes; nothing is decoded again. The history is the source's nearest
    earlier partitions with 500 media, at most 14, kind by kind; with fewer than 50 media of a kind
    in it the limits alone decide. A limit somebody stated holds; a default gives way to what is
    usual. What a person released is never stopped. Limits: what is seen in less than one medium in
    fifty of a source is unusual there; a drift slower than its history is not.
    """
    given = {name: value for name, value in locals().items() if name in _LIMITS}
    limits, stated = stated_limits(given)
    partition = MEDIA.parse(part.key["partition"])
    earlier = _read(partition, history)
    stops = frozenset(codes_to_stop_on(stop_on))
    for (kind,), mine in _media(part).group_by("kind", maintain_order=True):
        before = earlier.filter(kind=kind)
        expected = Expectation(
            limits,
            stated,
            expected_bands(_columns(before)),
            usual_languages(before["language"].to_list()),
        )
        span = {
            "partition": partition.key,
            "history_from": before["day"].min(),
            "history_to": before["day"].max(),
            "history_media": before.height,
        }
        for row, found in zip(mine.iter_rows(named=True), _found(mine, expected), strict=True):
            yield Screening.of({**row, **span, **_verdict(row, found, stops)})


def _media(part: Grouped) -> pl.DataFrame:
    """The partition's media with their measures, and the codes that were told of them before."""
    media = part[raw_media.name].select(
        *("media_id", "kind", "privacy", "ruling"),
        rate_hz=pl.when(kind="video").then(pl.col("frame_rate_num") / pl.col("frame_rate_den")),
    )
    sides = pl.col("width_px", "height_px")
    is_seen = pl.col("width_px") > 0  # a sound has no size
    is_clip = pl.when(is_seen & (pl.col("duration_s") > 0))
    decoded = part[decodings.name].with_columns(
        short_side_px=pl.when(is_seen).then(pl.min_horizontal(sides).cast(pl.Float64)),
        aspect=pl.when(is_seen).then(pl.max_horizontal(sides) / pl.min_horizontal(sides)),
        black_share=is_clip.then((pl.col("black_s") / pl.col("duration_s")).clip(0, 1)),
        frozen_share=is_clip.then((pl.col("frozen_s") / pl.col("duration_s")).clip(0, 1)),
    )
    seen = part[sightings.name].group_by("media_id", maintain_order=True)
    looked = seen.agg(is_clear=(pl.col("privacy") == "clear").all())
    for other in (decoded, part[documents.name], looked, _told(part)):
        new = [name for name in other.columns if name == "media_id" or name not in media.columns]
        media = media.join(other.select(new), on="media_id", how="left", maintain_order="left")
    return media.sort("media_id")


def _told(part: Grouped) -> pl.DataFrame:
    """The codes in the `flags` and `reasons` of any parent, each once a medium, with the proof."""
    parts = [
        _each_code(rows, name)
        for rows in part.rows.values()
        for name in ("flags", "reasons")
        if name in rows.columns
    ]
    codes = pl.concat(parts).unique(["media_id", "told"], keep="first", maintain_order=True)
    return codes.group_by("media_id", maintain_order=True).agg("told", "proof")


def _each_code(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row a code; its proof is empty where the parent has not one for each."""
    nothing = pl.col(name).list.eval(pl.element().str.slice(0, 0))
    proof = nothing
    if name == "flags" and "evidence" in rows.columns:
        is_whole = pl.col("evidence").list.len() == pl.col(name).list.len()
        proof = pl.when(is_whole).then("evidence").otherwise(nothing)
    pairs = rows.select("media_id", told=name, proof=proof).explode("told", "proof")
    return pairs.filter(pl.col("told").is_in(list(GATES)))


def _found(media: pl.DataFrame, expected: Expectation) -> Iterator[list[Finding]]:
    """What is found in each medium of one kind: judged here, or told of it before."""
    measured = judge_measures(_columns(media), expected)
    sure = _values(media["language_confidence"])
    spoken = judge_languages(media["language"].fill_null("").to_list(), sure, expected)
    missing = (media["width_px"].is_null() & media["damaged_share"].is_null()).to_list()
    told = media.select("told", "proof", *_SOUND).iter_rows()
    for place, (codes, proofs, *levels) in enumerate(told):
        found = list(measured.get(place, ()))
        found += [spoken[place]] if place in spoken else []
        found += [find("not_measured")] if missing[place] else []
        found += [find(one.code, one.detail) for one in _heard(*levels)]
        yield found + [find(*one) for one in zip(codes or (), proofs or (), strict=True)]


def _heard(
    level_db: float | None, ultrasonic_db: float | None, excess_db: float | None
) -> tuple[Evidence, ...]:
    if level_db is None:
        return ()
    return judge_sound(SoundLevels(level_db, ultrasonic_db, excess_db, measured_s=0.0))


def _verdict(row: Mapping[str, Any], found: list[Finding], stops: frozenset[str]) -> dict[str, Any]:
    codes = list(dict.fromkeys(one.code for one in found))
    is_stopped = row["ruling"] != "released" and not stops.isdisjoint(codes)
    verdict = "stopped" if is_stopped else "flagged" if codes else "clear"
    policy = "withheld" if is_stopped else "private" if _is_private(row) else "open"
    messages = [one.message for one in found]
    return {"findings": codes, "messages": messages, "verdict": verdict, "policy": policy}


def _is_private(row: Mapping[str, Any]) -> bool:
    """Whether somebody said so, or a picture shows, or may show, a face or a plate."""
    shows_pictures = row["kind"] in ("video", "image")
    return bool(row["privacy"]) or (shows_pictures and not row["is_clear"])


def _columns(media: pl.DataFrame) -> dict[str, Values]:
    return {name: _values(media[name]) for name in _NAMES}


def _values(column: pl.Series) -> Values:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _read(partition: Partition, history: str) -> pl.DataFrame:
    """Measures of the media of the partitions that a history names."""
    columns = ["day", "kind", "language", *_NAMES]
    rows = HISTORY.rows(current_lake(), partition, history, columns)
    kinds = {name: screenings.schema.get(name, pl.String()) for name in columns}
    return pl.DataFrame(schema=kinds) if rows is None else rows.collect()


usable = Only(screenings, on="media_id", where=pl.col("verdict") != "stopped")
"""What tables behind this one ask for: a medium that is not stopped."""


@screenings.check(blocking=True)
def verdicts_have_findings(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What is flagged or stopped says for what, and what is clear has nothing to say."""
    has_none = (pl.col("findings").list.len() == 0) | (pl.col("messages").list.len() == 0)
    return rows.filter((pl.col("verdict") == "clear") != has_none)


@screenings.check()
def few_media_are_flagged(rows: pl.LazyFrame) -> pl.LazyFrame:
    """At most a quarter of the partition's media fail a gate on quality."""
    fails = pl.col("findings").list.set_intersection(_JUDGED_HERE).list.len() > 0
    return rows.filter(fails & (fails.mean() > _FLAGGED_LIMIT))


@screenings.check()
def few_media_are_stopped(rows: pl.LazyFrame) -> pl.LazyFrame:
    """At most a tenth of the partition's media are withheld."""
    is_stopped = pl.col("verdict") == "stopped"
    return rows.filter(is_stopped & (is_stopped.mean() > _STOPPED_LIMIT))


@screenings.summary
def what_was_found(rows: pl.LazyFrame) -> dict[str, int | float | str | None]:
    """How many media have which verdict, and how many each code."""
    verdicts = dict(rows.group_by("verdict").len().collect().iter_rows())
    codes = rows.select(pl.col("findings").explode()).drop_nulls().group_by("findings").len()
    told = sorted(codes.collect().iter_rows(), key=lambda one: (-one[1], one[0]))
    counts = {name: verdicts.get(name, 0) for name in ("clear", "flagged", "stopped")}
    return {**counts, **dict(told)}


@screenings.picture
def worst_media(rows: pl.LazyFrame) -> bytes | None:
    """The pictures with the most findings, at most twelve that may be shown, and the first each."""
    from mlops_assets.media import contact_sheet

    may_be_shown = (pl.col("policy") == "open") & (pl.col("verdict") == "flagged")
    pictured = rows.filter(may_be_shown, pl.col("kind").is_in(["video", "image"]))
    worst = pictured.sort(pl.col("messages").list.len(), "media_id", descending=[True, False])
    top = worst.head(_SHOWN).collect()
    if top.is_empty():
        return None
    pictures = frames.rows(current_lake(), MEDIA.of(top["source"][0], top["day"][0]))
    mine = pictures.filter(pl.col("media_id").is_in(top["media_id"].to_list()))
    is_middle = pl.col("index") == pl.col("index").max().over("media_id") // 2
    middle = mine.select("frame_id", "media_id", "index").filter(is_middle).collect()
    is_shown = pl.col("frame_id").is_in(middle["frame_id"].to_list())
    jpegs = mine.filter(is_shown).select("source", "day", "media_id", "jpeg").collect()
    said = top.select("media_id", said=pl.col("messages").list.first())
    found = said.join(jpegs, on="media_id", maintain_order="left")
    if found.is_empty():
        return None
    captions = found["said"].to_list()
    return contact_sheet(shown(found), columns=4, tile_px=_TILE_PX, captions=captions)
