"""What a stored flow field weighs, and what it loses, on the motion of clips."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import clips
from benchmarks.measuring import Options, Spread
from benchmarks.results import Figure, Result

METHOD = """Fields between frames and their successors, sampled from up to six clips at the working
size of `optical_flows` and by its default method (details say which). Each is encoded by
`flow.encode_flow` at full and at half resolution and decoded again. Bytes are over those of
float32, over all fields; errors are of components, in pixels, against the field that was encoded.
Times are CPU seconds over those of compressing the same float32 field by zstd-3, field by field,
the median of all fields."""

PAIRS_A_CLIP = 8

Field = NDArray[np.float32]
Made = TypeVar("Made")


@dataclass(frozen=True)
class Stored:
    """What fields come to when stored at one resolution."""

    share: float
    largest_share: float
    mean_px: float
    p99_px: float
    largest_px: float
    encode_s: Spread
    decode_s: Spread


def run(options: Options) -> Result:
    """Measure it."""
    files = clips(options, 1 if options.quick else 6)
    fields = [
        field for file in files for field in _fields(file, 2 if options.quick else PAIRS_A_CLIP)
    ]
    full, compact = _stored(fields, 0), _stored(fields, 1)
    plain = [_timed(lambda field=field: _compressed(field)) for field in fields]
    plain_s = Spread.of([seconds for _, seconds in plain])
    bytes_in = sum(field.nbytes for field in fields)
    return Result(
        "flow_storage",
        METHOD,
        (
            Figure("full: bytes", full.share, "x float32", 0.1),
            Figure("full: largest error", full.largest_px, "px", 0.025),
            Figure("full: mean error", full.mean_px, "px"),
            Figure("compact: bytes", compact.share, "x float32", 0.1),
            Figure("compact: mean error", compact.mean_px, "px"),
            Figure("compact: 99th percentile of error", compact.p99_px, "px"),
            Figure("compact: largest error", compact.largest_px, "px"),
            Figure("float32, zstd-3: bytes", sum(len(p) for p, _ in plain) / bytes_in, "x float32"),
            Figure("full: encoding", full.encode_s.over(plain_s).median, "x zstd-3"),
            Figure("full: decoding", full.decode_s.over(plain_s).median, "x zstd-3"),
            Figure("compact: encoding", compact.encode_s.over(plain_s).median, "x zstd-3"),
            Figure("compact: decoding", compact.decode_s.over(plain_s).median, "x zstd-3"),
        ),
        {
            "clips": [file.name for file in files],
            "fields": len(fields),
            "solver": str(_solver()),
            "mean_magnitude_px": round(float(np.mean([np.hypot(*f).mean() for f in fields])), 3),
            "largest_share_of_one_field": {
                "full": full.largest_share,
                "compact": compact.largest_share,
            },
        },
    )


def _stored(fields: list[Field], scale_log2: Literal[0, 1]) -> Stored:
    from mlops_assets.flow import decode_flow, encode_flow

    encoded = [
        _timed(lambda field=field: encode_flow(field, scale_log2=scale_log2)) for field in fields
    ]
    decoded = [_timed(lambda one=one: decode_flow(one)) for one, _ in encoded]
    pairs = zip(decoded, fields, strict=True)
    errors = np.concatenate([np.abs(found - field).ravel() for (found, _), field in pairs])
    sizes = [len(one.blob) for one, _ in encoded]
    return Stored(
        share=sum(sizes) / sum(field.nbytes for field in fields),
        largest_share=round(max(s / f.nbytes for s, f in zip(sizes, fields, strict=True)), 4),
        mean_px=float(errors.mean(dtype=np.float64)),
        p99_px=float(np.percentile(errors, 99)),
        largest_px=float(errors.max()),
        encode_s=Spread.of([seconds for _, seconds in encoded]),
        decode_s=Spread.of([seconds for _, seconds in decoded]),
    )


def _timed(call: Callable[[], Made]) -> tuple[Made, float]:
    began = time.process_time()
    made = call()
    return made, time.process_time() - began


def _compressed(field: Field) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(level=3).compress(field.tobytes())


def _solver():
    from mlops_assets.flow.solving import Solver
    from mlops_assets.tables.optical_flows import optical_flows

    defaults = {n: one.default for n, one in optical_flows.producer.parameters.items()}
    return Solver(defaults["method"], defaults["preset"])


def _fields(file: Path, count: int) -> list[Field]:
    """Flow of so many sampled frames of a clip, half a second apart."""
    from mlops_assets.flow import gray_pair
    from mlops_assets.flow.solving import solve_pairs
    from mlops_assets.media import Sample, SamplingOptions, decode_video

    chosen = SamplingOptions(rate_hz=2, with_successors=True, successor_max_side_px=640)
    events = decode_video(file, options=chosen)
    samples = (one for one in events if isinstance(one, Sample) and one.next_jpeg is not None)
    pairs = [gray_pair(one.jpeg, one.next_jpeg or b"") for one in islice(samples, count)]
    return [solve_pairs(pair, np.array([[0, 1]]), _solver())[0].flow for pair in pairs]
