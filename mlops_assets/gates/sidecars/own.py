"""Our own dialect: a flat JSON object, its fields read strictly."""

from __future__ import annotations

from typing import Any

from mlops_assets.gates.fields import as_list, bad_field, read_text, read_texts, read_time
from mlops_assets.gates.sidecars.said import Sidecar, SidecarLabel

_FIELDS = ("captured_at", "device", "caption", "tags", "labels", "label", "privacy")


def read_own(fields: dict[str, Any]) -> Sidecar:
    """Read the fields of a sidecar.

    A label is a text or an object with `label`, `annotator` and `labelled_at`; `labels` is a list
    of them, `label` is one.

    Raises:
        InputError: `bad_field`.
    """
    return Sidecar(
        captured_at=read_time("captured_at", fields.get("captured_at")),
        device=read_text("device", fields.get("device")),
        caption=read_text("caption", fields.get("caption")),
        tags=read_texts("tags", fields.get("tags")),
        labels=_labels("labels", fields.get("labels")) + _labels("label", fields.get("label")),
        privacy=read_texts("privacy", fields.get("privacy")),
        extra={name: value for name, value in fields.items() if name not in _FIELDS},
    )


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
