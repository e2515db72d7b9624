"""Requests to train: who or what asked for a new model version, and why."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from mlops_assets.lake import Lake, Ledger, Partition, PartitionScheme
from mlops_assets.rows import Origin, Row

MODEL = PartitionScheme(("model",))
"""One registered model name: the partition of snapshots and models."""

REQUESTS = Ledger(
    "training_requests",
    pl.Schema(
        {
            "model": pl.String(),
            "request_id": pl.String(),
            "cause": pl.String(),
            "reason": pl.String(),
            "asked_by": pl.String(),
            "recorded_at": pl.Datetime("us", "UTC"),
        }
    ),
    ("model", "request_id"),
)


class Request(Row, key="request_id"):
    """One request to train."""

    request_id: str
    model_name: str
    cause: str
    reason: str
    asked_by: str
    asked_at: datetime


def _read(lake: Lake, partition: Partition) -> pl.DataFrame:
    rows = REQUESTS.latest(lake).filter(pl.col("model") == partition.values[0])
    return rows.select(
        "request_id", "cause", "reason", "asked_by", model_name="model", asked_at="recorded_at"
    ).select(list(Request.columns()))


requests = Origin("training_requests", Request, _read)


def ask_for_training(
    lake: Lake, model: str, *, cause: str, reason: str, by: str, now: datetime | None = None
) -> str:
    """State that a new version of a model is wanted; the training run answers.

    Returns:
        The request's id, such as `scene-0003`.
    """
    asked = REQUESTS.latest(lake).filter(pl.col("model") == model).height
    request_id = f"{model}-{asked + 1:04}"
    stated = {
        "model": model,
        "request_id": request_id,
        "cause": cause,
        "reason": reason,
        "asked_by": by,
        "recorded_at": now or datetime.now(UTC),
    }
    REQUESTS.append(lake, pl.DataFrame([stated], schema=REQUESTS.schema))
    return request_id
