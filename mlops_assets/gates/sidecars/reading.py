"""The bytes of a sidecar to what it says."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Never

from mlops_assets.errors import InputError
from mlops_assets.gates.sidecars.own import read_own
from mlops_assets.gates.sidecars.said import Sidecar
from mlops_assets.gates.sidecars.takeout import is_takeout, read_takeout
from mlops_assets.gates.sidecars.xmp import is_xmp, read_xmp

MAX_SIDECAR_BYTES = 1_000_000
MAX_SIDECAR_DEPTH = 32

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_sidecar(raw: bytes, *, max_bytes: int = MAX_SIDECAR_BYTES) -> Sidecar:
    """Read a sidecar: JSON of our own, JSON of Google Takeout, or XMP; its content decides.

    Of a repeated key the last counts. Half a surrogate pair, which no table can store, becomes
    U+FFFD.

    Args:
        raw: JSON in UTF-8, UTF-16 or UTF-32, or XMP.
        max_bytes: size limit.

    Returns:
        What it says; missing fields are None or empty.

    Raises:
        InputError: `too_large` (size, or depth above 32), `invalid_json`, `not_an_object`,
            `bad_field`, `invalid_xml`.
    """
    if len(raw) > max_bytes:
        raise InputError(
            f"the sidecar has {len(raw)} bytes; the limit is {max_bytes}", reason="too_large"
        )
    if is_xmp(raw):
        return read_xmp(raw)
    fields = _storable(_parse(raw))
    if not isinstance(fields, dict):
        raise InputError(
            f"the sidecar is a JSON {type(fields).__name__}; expected an object",
            reason="not_an_object",
        )
    return read_takeout(fields) if is_takeout(fields) else read_own(fields)


def _parse(raw: bytes) -> Any:
    try:
        text = raw.decode(json.detect_encoding(raw))
        _check_depth(text)
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as err:
        raise InputError(f"the sidecar is not JSON in UTF-8: {err}", reason="invalid_json") from err


def _check_depth(text: str) -> None:
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        mark = token[0]
        depth += (mark in "[{") - (mark in "]}") if len(mark) == 1 else 0
        if depth > MAX_SIDECAR_DEPTH:
            raise InputError(
                f"the sidecar nests deeper than {MAX_SIDECAR_DEPTH} levels", reason="too_large"
            )


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _storable(value: Any) -> Any:
    """The value with every text fit for UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value
