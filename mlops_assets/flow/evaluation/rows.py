"""Scores as plain rows, and their mean: what `mlops flow evaluate --json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mlops_assets.flow.evaluation.calibration import rank_checks
from mlops_assets.flow.evaluation.running import PairResult
from mlops_assets.flow.evaluation.scoring import PairScore
from mlops_assets.flow.fields import FlowBatch

FIGURES = ("epe_px", "aae_deg", "over_1px", "over_3px", "fl", "seconds")
"""What every row has right after `pair`, `backend` and `preset`; null where a pair failed."""

MEAN = "mean"
"""The `pair` of the last row."""

Row = dict[str, Any]


def pair_row(result: PairResult, origin: FlowBatch) -> Row:
    """One pair as a row: what all tools agree on first, then what is ours.

    Args:
        result: of the pair.
        origin: what its flow was made by.

    Returns:
        `pair`, `backend`, `preset`, `FIGURES`, then more; the figures are None when the pair failed
        and `error` says why.
    """
    score = result.score
    return {
        **_named(result.files.name, origin),
        **(_figures(score) if score else dict.fromkeys(FIGURES)),
        "layout": result.files.layout,
        **_more(score),
        "error": result.error,
        "reason": result.reason,
    }


def mean_row(results: Sequence[PairResult], origin: FlowBatch) -> Row:
    """The last row: the mean over pairs, each counting alike, of every figure.

    A figure that a pair does not have is left out of its mean; a mean of nothing is None.

    Args:
        results: of all pairs; those that failed count in `failed` only.
        origin: what their flow was made by.

    Returns:
        As `pair_row`, with `pairs`, `failed`, and how well the forward-backward check ranks the
        true error: `calibration`, as `Ranks`.
    """
    scores = [result.score for result in results if result.score]
    figures = _mean([{**_figures(score), **_more(score)} for score in scores])
    more = {name: value for name, value in figures.items() if name not in FIGURES}
    return {
        **_named(MEAN, origin),
        **{name: figures.get(name) for name in FIGURES},
        "pairs": len(scores),
        "failed": len(results) - len(scores),
        **more,
        "robustness_epe_px": figures.get("robustness_epe_px"),
        "calibration": asdict(rank_checks([score.calibration for score in scores])),
    }


def _named(pair: str, origin: FlowBatch) -> Row:
    return {"pair": pair, "backend": origin.backend, "preset": origin.preset}


def _figures(score: PairScore) -> Row:
    return {name: getattr(score.errors, name) for name in FIGURES[:-1]} | {"seconds": score.seconds}


def _more(score: PairScore | None) -> Row:
    if score is None:
        return {}
    return {
        "mse_px2": score.errors.mse_px2,
        "fb_fail_share": score.fb_fail_share,
        "fb_miss_px": score.calibration.whole.miss_px,
        "fb_rank_correlation": score.calibration.pixels,
        "known_share": score.known_share,
        "width_px": score.width_px,
        "height_px": score.height_px,
        "regions": {
            name: asdict(errors) if errors else None for name, errors in score.regions.items()
        },
        "robustness_epe_px": dict(score.robustness_epe_px) or None,
    }


def _mean(rows: Sequence[Mapping[str, Any]]) -> Row:
    """Mean of numbers by name, of rows in rows likewise; what is None is left out."""
    names = dict.fromkeys(name for row in rows for name in row)
    found: Row = {}
    for name in names:
        values = [row[name] for row in rows if row.get(name) is not None]
        if values and isinstance(values[0], Mapping):
            found[name] = _mean(values)
        else:
            found[name] = sum(values) / len(values) if values else None
    return found
