"""How good is a flow? Data sets with truth in, the figures of the benchmarks and pictures out.

`find_pairs`, `candidate_of`, `evaluate_pairs`, then `pair_row` and `mean_row`: what `mlops flow
evaluate` does. Any method can be judged: a method is a function of two pictures.
"""

from __future__ import annotations

from mlops_assets.flow.evaluation.calibration import Ranks, Tile, rank_checks, rank_correlation
from mlops_assets.flow.evaluation.data_sets.layouts import FoundPairs, PairFiles, find_pairs
from mlops_assets.flow.evaluation.data_sets.pairs import TruePair, read_pair
from mlops_assets.flow.evaluation.measures import FlowErrors, flow_errors
from mlops_assets.flow.evaluation.pictures import error_picture, pair_picture
from mlops_assets.flow.evaluation.plots import calibration_plot, robustness_plot
from mlops_assets.flow.evaluation.robustness import DISTURBANCES, disturbed_errors, drop_frame
from mlops_assets.flow.evaluation.rows import mean_row, pair_row
from mlops_assets.flow.evaluation.running import Candidate, PairResult, candidate_of, evaluate_pairs
from mlops_assets.flow.evaluation.scoring import BothWays, PairScore, score_pair, solve_both_ways

__all__ = [
    "DISTURBANCES",
    "BothWays",
    "Candidate",
    "FlowErrors",
    "FoundPairs",
    "PairFiles",
    "PairResult",
    "PairScore",
    "Ranks",
    "Tile",
    "TruePair",
    "calibration_plot",
    "candidate_of",
    "disturbed_errors",
    "drop_frame",
    "error_picture",
    "evaluate_pairs",
    "find_pairs",
    "flow_errors",
    "mean_row",
    "pair_picture",
    "pair_row",
    "rank_checks",
    "rank_correlation",
    "read_pair",
    "robustness_plot",
    "score_pair",
    "solve_both_ways",
]
