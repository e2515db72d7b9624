"""Dense optical flow: estimate it, describe it in numbers and colours, keep it small.

Convention, here and nowhere else: a flow field is float32 (2, H, W), planar (dx, dy) in pixels per
pair, x right and y down; a point (x, y) of the first picture is at (x + dx, y + dy) in the second.
NaN is unknown. A backend is one file with one `Backend`, listed in `backends.BACKENDS`.
"""

from __future__ import annotations

from mlops_assets.flow.backends import BACKENDS, METHODS, backends_of, best_backend
from mlops_assets.flow.dense import BackendName, dense_flow
from mlops_assets.flow.describing.histograms import merge_histograms
from mlops_assets.flow.describing.pictures import magnitude_picture
from mlops_assets.flow.describing.quality import endpoint_error
from mlops_assets.flow.describing.statistics import FlowStatistics, describe_flow
from mlops_assets.flow.fields import Backend, FlowBatch, Preset
from mlops_assets.flow.formats.colour import colour_picture, flow_sheet
from mlops_assets.flow.formats.encoding import EncodedFlow, decode_flow, encode_flow
from mlops_assets.flow.formats.middlebury import read_flo, write_flo
from mlops_assets.flow.measuring import Measured, measure_pairs
from mlops_assets.flow.pairs import gray_pair, gray_pairs, group_by_size, working_size
from mlops_assets.flow.solving import Solver, solve_pairs
from mlops_assets.flow.streaming import PairMotion, StreamOptions, TimedPicture, stream_motion

__all__ = [
    "BACKENDS",
    "METHODS",
    "Backend",
    "BackendName",
    "EncodedFlow",
    "FlowBatch",
    "FlowStatistics",
    "Measured",
    "PairMotion",
    "Preset",
    "Solver",
    "StreamOptions",
    "TimedPicture",
    "backends_of",
    "best_backend",
    "colour_picture",
    "decode_flow",
    "dense_flow",
    "describe_flow",
    "encode_flow",
    "endpoint_error",
    "flow_sheet",
    "gray_pair",
    "gray_pairs",
    "group_by_size",
    "magnitude_picture",
    "measure_pairs",
    "merge_histograms",
    "read_flo",
    "solve_pairs",
    "stream_motion",
    "working_size",
    "write_flo",
]
