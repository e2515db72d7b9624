"""A survey as plain values for programs."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from mlops_assets.operations.surveying.facts import Survey


def survey_record(survey: Survey) -> dict[str, Any]:
    r"""Everything but the pictures, as a dictionary that JSON can hold.

    Bytes of a name that are no UTF-8 are written as `\xNN`; times as ISO 8601.
    """
    record = {one.name: getattr(survey, one.name) for one in fields(survey) if one.name != "sheets"}
    record["coverage"] = asdict(survey.coverage) | {
        "is_sample": survey.coverage.is_sample,
        "share_files": survey.coverage.share_files,
        "share_bytes": survey.coverage.share_bytes,
    }
    return {name: _plain(value) for name, value in record.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        value = asdict(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value.isoformat() if hasattr(value, "isoformat") else value
