"""Sidecars: what a person or a device says of a file, in JSON beside it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Never

from mlops_assets.errors import InputError
from mlops_assets.gates.fields import as_list, bad_field, read_text, read_texts, read_time

MAX_SIDECAR_BYTES = 1_000_000
MAX_SIDECAR_DEPTH = 32

_OWN_FIELDS = ("captured_at", "device", "caption", "tags", "labels", "label", "privacy")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class SidecarLabel:
    """One label of a sidecar.

    Attributes:
        label: not blank.
        annotator: who said so; None where not stated.
        labelled_at: aware, UTC; None where not stated.
    """

    label: str
    annotator: str | None = None
    labelled_at: datetime | None = None


@dataclass(frozen=True)
class Sidecar:
    """What a sidecar says.

    Attributes:
        captured_at: aware, UTC.
        device: what took it.
        caption: one text.
        tags: no blanks, no repeats, in the order given.
        labels: in the order given.
        privacy: flags such as `faces`; no blanks, no repeats.
        extra: every other field as it was, JSON values only.
    """

    captured_at: datetime | None = None
    device: str | None = None
    caption: str | None = None
    tags: list[str] = field(default_factory=list)
    labels: list[SidecarLabel] = field(default_factory=list)
    privacy: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


def read_sidecar(raw: bytes, *, max_bytes: int = MAX_SIDECAR_BYTES) -> Sidecar:
    """Read a sidecar.

    A label is a text or an object with `label`, `annotator` and `labelled_at`; `labels` is a list
    of them, `label` is one. Of a repeated key the last counts. Half a surrogate pair, which no
    table can store, becomes U+FFFD.

    Args:
        raw: JSON, UTF-8, with or without a byte order mark.
        max_bytes: size limit.

    Returns:
        What it says; missing fields are None or empty.

    Raises:
        InputError: `too_large` (size, or depth above 32), `invalid_json`, `not_an_object`,
            `bad_field`.
    """
    if len(raw) > max_bytes:
        raise InputError(
            f"the sidecar has {len(raw)} bytes; the limit is {max_bytes}", reason="too_large"
        )
    fields = _storable(_parse(raw))
    if not isinstance(fields, dict):
        raise InputError(
            f"the sidecar is a JSON {type(fields).__name__}; expected an object",
            reason="not_an_object",
        )
    return Sidecar(
        captured_at=read_time("captured_at", fields.get("captured_at")),
        device=read_text("device", fields.get("device")),
        caption=read_text("caption", fields.get("caption")),
        tags=read_texts("tags", fields.get("tags")),
        labels=_labels("labels", fields.get("labels")) + _labels("label", fields.get("label")),
        privacy=read_texts("privacy", fields.get("privacy")),
        extra={name: value for name, value in fields.items() if name not in _OWN_FIELDS},
    )


def _parse(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
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


def _labels(name: str, value: object) -> list[SidecarLabel]:
    return [
        _label(f"{name}[{place}]", one)
        for place, one in enumerate(as_list(name, value))
        if one != ""
    ]


def _label(name: str, value: object) -> SidecarLabel:
    parts = value if isinstance(value, dict) else {"label": value}
    label = read_text(f"{name}.label", parts.get("label"))
    if label is None:
        raise bad_field(name, value, 'a text or {"label": text}')
    return SidecarLabel(
        label=label,
        annotator=read_text(f"{name}.annotator", parts.get("annotator")),
        labelled_at=read_time(f"{name}.labelled_at", parts.get("labelled_at")),
    )
