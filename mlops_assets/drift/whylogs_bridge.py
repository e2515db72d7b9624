"""The one module that knows whylogs: columns in, profile bytes out, and back.

Everything old or odd about the library ends here: its telemetry is switched off before the import,
the NumPy 1 name it still uses is supplied, Polars is converted to pandas, and its profiles are
written in a fixed order with fixed time stamps, so that equal data give equal bytes. The payloads
stay ordinary whylogs profiles: `whylogs.core.DatasetProfileView.deserialize` opens them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, reduce
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from mlops_assets.drift.sketch import pack_sketch, unpack_sketch
from mlops_assets.errors import InputError

if TYPE_CHECKING:
    from whylogs.core.view.dataset_profile_view import DatasetProfileView

Kind = Literal["numeric", "categorical"]
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_KIND_KEY = "mlops.kind"
_SKETCH_PATH = "distribution/kll"
_MAGIC = b"WHY1"


@dataclass(frozen=True)
class ColumnSummary:
    """What a stored profile knows about its column.

    Args:
        feature: name of the column.
        kind: `numeric` or `categorical`.
        count: rows, missing ones included.
        missing: rows without a value: null, NaN or infinite.
        mean: of the values; NaN without values or for categories.
        stddev: sample standard deviation; 0 for one value, NaN like `mean`.
        minimum: smallest value, exact; NaN like `mean`.
        maximum: largest value, exact; NaN like `mean`.
        values: (M,) float64 ascending, the retained numbers; empty for categories.
        weights: (M,) int64, how many numbers each retained one stands for.
        categories: count per category, most frequent first; empty for numbers.
    """

    feature: str
    kind: Kind
    count: int
    missing: int
    mean: float
    stddev: float
    minimum: float
    maximum: float
    values: np.ndarray
    weights: np.ndarray
    categories: dict[str, int]

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.count - self.missing


@cache
def load_whylogs() -> ModuleType:
    """Import whylogs with telemetry off and with the NumPy name it misses."""
    os.environ.setdefault("WHYLOGS_NO_ANALYTICS", "1")
    if not hasattr(np, "unicode_"):
        setattr(np, "unicode_", np.str_)  # noqa: B010 - a name that NumPy 2 removed
    import whylogs

    return whylogs


def encode_column(column: pl.Series, *, feature: str) -> bytes:
    """Profile one column.

    Args:
        column: numbers, booleans, strings or categoricals; order does not matter.
        feature: name stored in the profile.

    Returns:
        A serialised whylogs profile with one column; equal multisets of values give equal bytes.

    Raises:
        InputError: `unsupported_column`, for any other data type.
    """
    load_whylogs()
    from whylogs.core import DatasetProfile, DatasetSchema

    kind, clean = _clean(column)
    schema = DatasetSchema(types={feature: float if kind == "numeric" else str})
    profile = DatasetProfile(schema, dataset_timestamp=_EPOCH, creation_timestamp=_EPOCH)
    if len(clean):
        profile.track(pandas=clean.alias(feature).to_frame().to_pandas())
    numbers = clean.drop_nulls().to_numpy() if kind == "numeric" else np.empty(0)
    sketch = pack_sketch(numbers, np.ones(len(numbers), dtype=np.int64))
    return _write(profile.view(), feature=feature, kind=kind, sketch=sketch)


def _clean(column: pl.Series) -> tuple[Kind, pl.Series]:
    """Sorted float64 or string values, missing ones as null and last."""
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64)
        finite = pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series()
        return "numeric", finite.sort(nulls_last=True)
    if column.dtype in (pl.Boolean, pl.String, pl.Categorical, pl.Enum, pl.Null):
        return "categorical", column.cast(pl.String).sort(nulls_last=True)
    raise InputError(
        f"column {column.name!r} has type {column.dtype}; expected numbers, booleans or strings",
        reason="unsupported_column",
    )


def decode_payload(payload: bytes) -> ColumnSummary:
    """Read a stored profile.

    Args:
        payload: bytes of `encode_column` or `merge_payloads`.

    Raises:
        InputError: `damaged_profile`, the bytes are no profile with one column.
    """
    return _on_damage(payload, lambda: _summarise(_read(payload)))


def merge_payloads(payloads: Sequence[bytes]) -> bytes:
    """Merge profiles of parts of one column into the profile of the whole.

    Args:
        payloads: at least one profile, all of one feature and kind; order does not matter.

    Returns:
        Profile bytes. Counts add exactly; quantiles stay within the sketch's rank error.

    Raises:
        InputError: `no_profiles`, `mixed_profiles` or `damaged_profile`.
    """
    if not payloads:
        raise InputError("no profiles to merge; expected at least one", reason="no_profiles")
    ordered = sorted(payloads)
    parts = [decode_payload(payload) for payload in ordered]
    kinds = {(part.feature, part.kind) for part in parts}
    if len(kinds) > 1:
        raise InputError(
            f"profiles are of {sorted(kinds)}; expected one feature and kind",
            reason="mixed_profiles",
        )
    values = np.concatenate([part.values for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    known = [part for part in parts if len(part.values)]
    low = min((part.minimum for part in known), default=0.0)
    high = max((part.maximum for part in known), default=0.0)
    sketch = pack_sketch(values, weights, ends=(low, high))
    view = reduce(lambda left, right: left.merge(right), map(_read, ordered))
    return _write(view, feature=parts[0].feature, kind=parts[0].kind, sketch=sketch)


def _on_damage(payload: bytes, read: Callable[[], ColumnSummary]) -> ColumnSummary:
    """Read, turning what whylogs and protobuf raise on damaged bytes into an `InputError`."""
    load_whylogs()
    from google.protobuf.message import DecodeError
    from whylogs.core.errors import Error

    damaged = (Error, DecodeError, LookupError, OSError, EOFError, RuntimeError, ArithmeticError)
    try:
        return read()
    except (*damaged, ValueError, TypeError, AttributeError) as err:
        raise InputError(
            f"profile of {len(payload)} bytes is damaged: {err}", reason="damaged_profile"
        ) from err


def _read(payload: bytes) -> DatasetProfileView:
    load_whylogs()
    from whylogs.core import DatasetProfileView

    view = DatasetProfileView.deserialize(payload)
    if len(view.get_columns()) != 1:
        raise InputError(
            f"profile has {len(view.get_columns())} columns; expected 1", reason="damaged_profile"
        )
    return view


def _summarise(view: DatasetProfileView) -> ColumnSummary:
    ((feature, column),) = view.get_columns().items()
    summary = column.to_summary_dict()
    count, missing = int(summary.get("counts/n", 0)), int(summary.get("counts/null", 0))
    categories = {
        item.value: int(item.est) for item in summary.get("frequent_items/frequent_strings") or ()
    }
    distribution = column.get_metric("distribution")
    sketch = distribution.kll.value.serialize() if distribution else pack_sketch(*_nothing())
    values, weights = unpack_sketch(sketch)
    known = len(values) > 0
    return ColumnSummary(
        feature=feature,
        kind=_kind(view),
        count=count,
        missing=missing,
        mean=float(summary["distribution/mean"]) if known else float("nan"),
        stddev=float(summary["distribution/stddev"]) if known else float("nan"),
        minimum=float(summary["distribution/min"]) if known else float("nan"),
        maximum=float(summary["distribution/max"]) if known else float("nan"),
        values=values,
        weights=weights,
        categories=dict(sorted(categories.items(), key=lambda item: (-item[1], item[0]))),
    )


def _nothing() -> tuple[np.ndarray, np.ndarray]:
    return np.empty(0), np.empty(0, dtype=np.int64)


def _kind(view: DatasetProfileView) -> Kind:
    kind = (view.metadata or {}).get(_KIND_KEY)
    if kind == "numeric" or kind == "categorical":
        return kind
    raise InputError(
        f"profile has kind {kind!r}; expected numeric or categorical", reason="damaged_profile"
    )


def _write(view: DatasetProfileView, *, feature: str, kind: Kind, sketch: bytes) -> bytes:
    """Serialise a one-column view with sorted maps; whylogs leaves them in hash order."""
    from whylogs.core import proto

    column = view.get_column(feature)
    components = dict(column.to_protobuf().metric_components) if column else {}
    if _SKETCH_PATH in components:
        components[_SKETCH_PATH].kll.sketch = sketch
    paths = sorted(components)
    chunk = _bytes(
        proto.ChunkMessage(metric_components={i: components[p] for i, p in enumerate(paths)})
    )
    chunk_header = proto.ChunkHeader(type=proto.ChunkHeader.ChunkType.COLUMN, length=len(chunk))
    milliseconds = int(_EPOCH.timestamp() * 1000)
    body = _delimited(chunk_header) + chunk
    header = proto.DatasetProfileHeader(
        column_offsets={feature: proto.ChunkOffsets(offsets=[0])},
        properties=proto.DatasetProperties(
            dataset_timestamp=milliseconds,
            creation_timestamp=milliseconds,
            metadata={_KIND_KEY: kind},
        ),
        length=len(body),
        indexed_metric_paths=dict(enumerate(paths)),
    )
    return (
        _MAGIC
        + _delimited(proto.DatasetSegmentHeader(has_segments=False))
        + _delimited(header)
        + body
    )


def _bytes(message: Any) -> bytes:
    return message.SerializeToString(deterministic=True)


def _delimited(message: Any) -> bytes:
    """A message after its length as a base-128 varint."""
    body = _bytes(message)
    length, prefix = len(body), bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*prefix, length]) + body
