"""Quality gates: which known defects are found, and how often sound media are flagged."""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Options
from benchmarks.quality_media import CLEAN, DAMAGED, Maker
from benchmarks.results import Figure, Result

METHOD = """Streets rendered from seeds no limit was chosen on (four places, four sizes, light from
0.5 to 1.3, sensor grain, JPEG 70 to 95), clips of six seconds and texts, each sound or with one
defect of random strength: light, contrast, focus, clipping, grain of 16 to 40 gray levels, JPEG
3 to 10 also resized, black or still stretches, characters read in a wrong encoding, junk words.
They are decoded with the platform's defaults and judged by the default limits. Recall: share of
the media with a defect that get its code. Precision: against the sound ones; codes that come along
with another defect (what is dark is also flat) are in the details. The figure is 1 - F1.
Adaptive: stationary sources are simulated (light and detail log-normal, or of days and nights, or
with tails of Student's t with 4 degrees; two resolutions), a history of 50 to 500 media, then 200
more of the same, or of a changed camera; the figure is the share of media flagged. A changed day
goes unnoticed if less than a twentieth of it is flagged. Cost: the
function of `screenings` over 100,000 images of a partition, rows made included."""

SHARED = Path("../shared/media")
_HISTORIES = (50, 100, 200, 500)
_CHANGES: Mapping[str, Mapping[str, float]] = {
    "a quarter of the light": {"brightness": 0.25, "contrast": 0.25},
    "half of the light": {"brightness": 0.5, "contrast": 0.5},
    "a tenth of the sharpness": {"sharpness": 0.1},
    "four times the grain": {"noise": 4.0},
}


def run(options: Options) -> Result:
    """Measure it."""
    count = 3 if options.quick else 40
    clean = {kind: _codes(options, f"clean-{kind}", make, count) for kind, make in CLEAN.items()}
    damaged = {code: _codes(options, code, make, count) for code, make in DAMAGED.items()}
    scores = {code: _score(code, found, clean) for code, found in damaged.items()}
    figures = [Figure(f"{code}: 1 - F1", 1 - one["f1"], "", 0.1) for code, one in scores.items()]
    flagged = [bool(one) for found in clean.values() for one in found]
    false, changed, unnoticed = _adaptive(options)
    figures += [
        Figure("sound media flagged", float(np.mean(flagged)), "", 0.01),
        *(Figure(f"adaptive: {name}, flagged", share, "", 0.01) for name, share in false.items()),
        *(Figure(f"adaptive: {name}, flagged", share, "") for name, share in changed.items()),
        *(Figure(f"{name}, days unnoticed", share, "") for name, share in unnoticed.items()),
        Figure("judging 100,000 media", _seconds(options), "s, CPU", 5.0),
    ]
    details: dict[str, Any] = {
        "scores": scores,
        "codes_by_defect": {code: _counted(found) for code, found in damaged.items()},
        "codes_of_sound_media": {kind: _counted(found) for kind, found in clean.items()},
    }
    folder = options.clips or SHARED
    if folder.is_dir():
        details["flagged_in_real_media"] = _real(folder)
    return Result("quality", METHOD, tuple(figures), details)


def _codes(options: Options, name: str, make: Maker, count: int) -> list[list[str]]:
    """The codes each of some media gets."""
    folder = options.folder(f"quality-{name}")
    rng = random.Random(f"{options.seed}/{name}")
    found = []
    for _ in range(count):
        path = make(folder, rng)
        found.append(_judged(path))
        path.unlink()
    return found


def _judged(path: Path) -> list[str]:
    from mlops_assets.gates import Limits
    from mlops_assets.gates.pixels import Decoded, judge_decoded
    from mlops_assets.media import DecodeReport, Sample, SamplingOptions, decode_image, decode_video
    from mlops_assets.text import extract_document

    if path.suffix == ".txt":
        read = extract_document(path, name=path.name)
        return [one.code for one in judge_decoded(Decoded(text=read.quality), Limits())]
    decode = decode_image if path.suffix == ".jpg" else decode_video
    events = list(decode(path, options=SamplingOptions(with_successors=False, thread_count=1)))
    (report,) = (one for one in events if isinstance(one, DecodeReport))
    decoded = Decoded(
        qualities=tuple(one.quality for one in events if isinstance(one, Sample)),
        black_s=report.black_s,
        frozen_s=report.frozen_s,
        duration_s=float(report.duration),
        size_px=(report.width_px, report.height_px),
    )
    return [one.code for one in judge_decoded(decoded, Limits())]


def _score(
    code: str, found: list[list[str]], clean: Mapping[str, list[list[str]]]
) -> dict[str, float]:
    """Recall on media with the defect, precision against sound media of every kind."""
    hits = sum(code in codes for codes in found)
    made_up = sum(code in codes for sound in clean.values() for codes in sound)
    recall = hits / len(found)
    precision = hits / (hits + made_up) if hits else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return {"recall": recall, "precision": precision, "f1": f1}


def _counted(found: list[list[str]]) -> dict[str, int]:
    return dict(Counter(code for codes in found for code in codes).most_common())


def _real(folder: Path) -> dict[str, list[str]]:
    """Messages of the quality gates on a folder of real media, by path."""
    from mlops_assets.gates import GATES
    from mlops_assets.gates.checking import check_folder

    quality = {gate.code for gate in GATES.values() if gate.stage == "screen"}
    rows = {
        row.path: [code for code in row.flags if code in quality] for row in check_folder(folder)
    }
    return {path: codes for path, codes in rows.items() if codes}


def _adaptive(options: Options) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Share flagged of more of the same by kind of source, and of a changed camera by change.

    The last: share of the days of a changed camera on which less than a twentieth is flagged.
    """
    rng = np.random.default_rng(options.seed)
    sources = {"even": (0.0, False), "days and nights": (0.35, False), "heavy tails": (0.0, True)}
    turns = 2 if options.quick else 40
    false: dict[str, list[float]] = {name: [] for name in sources}
    changed: dict[str, list[float]] = {name: [] for name in _CHANGES}
    for size in _HISTORIES * turns:
        for name, (nights, tails) in sources.items():
            spread = float(rng.uniform(0.05, 0.3))
            history = _source(rng, size, spread, nights, tails)
            media = _source(rng, 200, spread, nights, tails)
            false[name].append(_share_unusual(history, media))
            for change, factors in _CHANGES.items() if name == "even" else ():
                other = {one: values * factors.get(one, 1) for one, values in media.items()}
                changed[change].append(_share_unusual(history, other))
    return (
        {name: float(np.mean(shares)) for name, shares in false.items()},
        {name: float(np.mean(shares)) for name, shares in changed.items()},
        {name: float(np.mean(np.array(shares) < 0.05)) for name, shares in changed.items()},
    )


Columns = dict[str, NDArray[np.float64]]


def _source(
    rng: np.random.Generator, count: int, spread: float, nights: float, tails: bool
) -> Columns:
    is_night, is_small = rng.random(count) < nights, rng.random(count) < 0.1

    def about(day: float, night: float, times: float) -> NDArray[np.float64]:
        size = rng.standard_t(4, count) / np.sqrt(2) if tails else rng.normal(size=count)
        return np.where(is_night, night, day) * np.exp(times * spread * size)

    return {
        "brightness": np.clip(about(0.45, 0.1, 1), 0, 0.94),
        "contrast": np.clip(about(0.2, 0.15, 1), 0.02, 0.5),
        "sharpness": np.clip(about(300, 60, 2), 12, None),
        "clipped_dark": np.clip(about(0.02, 0.3, 2), 0, 0.69),
        "clipped_bright": rng.beta(0.5, 30, count),
        "noise": about(2, 6, 0.7),
        "blockiness": np.abs(rng.normal(0.04, 0.03, count)),
        "black_share": np.where(rng.random(count) < 0.05, 0.3 * rng.random(count), 0),
        "frozen_share": rng.beta(0.3, 6, count),
        "aspect": np.where(is_small, 4 / 3, 16 / 9),
        "short_side_px": np.where(is_small, 480.0, 1080.0),
        "rate_hz": np.where(is_small, 25.0, 30.0),
    }


def _share_unusual(history: Columns, media: Columns) -> float:
    from mlops_assets.gates import Limits
    from mlops_assets.gates.bands import expected_bands
    from mlops_assets.gates.screening import Expectation, judge_measures

    expected = Expectation(Limits(), bands=expected_bands(history))
    return len(judge_measures(media, expected)) / len(media["brightness"])


def _seconds(options: Options) -> float:
    """CPU seconds of judging one partition of media, rows made included."""
    from mlops_assets.lake import MEDIA, Lake, use_lake
    from mlops_assets.rows import Grouped
    from mlops_assets.tables.screenings import screenings

    count = 1_000 if options.quick else 100_000
    rng = np.random.default_rng(options.seed)
    names = [f"{number:064x}" for number in range(count)]
    measures = _source(rng, count, 0.2, 0.35, False)
    decoded = {name: measures[name] for name in measures if name in screenings.schema}
    parents = _parents(names, decoded)
    part = Grouped({"partition": MEDIA.of("camera", "2026-11-20").key}, parents)
    with use_lake(Lake.at(str(options.folder("quality-lake")))):
        deque(screenings(part), maxlen=0)  # warms up
        began = time.process_time()
        deque(screenings(part), maxlen=0)
    return time.process_time() - began


def _parents(names: list[str], measures: Columns) -> dict[str, Any]:
    """The parents of `screenings` as it reads them."""
    import polars as pl

    from mlops_assets.tables.decodings import decodings
    from mlops_assets.tables.documents import documents
    from mlops_assets.tables.raw_media import raw_media
    from mlops_assets.tables.sightings import sightings

    door = {"kind": "image", "flags": [], "privacy": [], "ruling": None}
    sizes = {"width_px": 1920, "height_px": 1080, "duration_s": 0.0, "reasons": []}
    seen = pl.DataFrame({"media_id": names})
    told = {name: pl.Series(values) for name, values in measures.items()}
    return {
        "raw_media": _typed(seen, raw_media.judged, **door),
        "decodings": _typed(seen, decodings.judged, **sizes, **told),
        "documents": _typed(seen.head(0), documents.judged),
        "sightings": _typed(seen, sightings.judged, privacy="clear", flags=[], evidence=[]),
    }


def _typed(rows: Any, reading: Any, **values: Any) -> Any:
    """Rows with the columns of a reading; those not given are null."""
    import polars as pl

    schema = reading.parent.schema
    given = {
        name: value if isinstance(value, pl.Series) else pl.lit(value, schema[name])
        for name, value in values.items()
        if name in reading.columns
    }
    rows = rows.with_columns(**given)
    nulls = [pl.lit(None, schema[name]).alias(name) for name in reading.columns if name not in rows]
    return rows.with_columns(nulls).select(reading.columns)
