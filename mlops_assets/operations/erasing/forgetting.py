"""Forget media: find what there is, say it, and erase it step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from mlops_assets.errors import InputError, TransientError
from mlops_assets.lake import Lake, current_lake
from mlops_assets.landing.tombstones import entomb, erased_media, tombstones
from mlops_assets.operations.erasing.choosing import media_named
from mlops_assets.operations.erasing.evidence import evidence_of
from mlops_assets.operations.erasing.history import History, history_of_settings
from mlops_assets.operations.erasing.impact import impact_of
from mlops_assets.operations.erasing.marks import flag_models, mark_snapshots
from mlops_assets.operations.erasing.orders import (
    Order,
    close_order,
    make_order,
    open_orders,
    write_order,
)
from mlops_assets.operations.erasing.places import (
    blank_logs,
    drop_bytes,
    drop_landed,
    drop_previews,
    drop_reports,
    erase_tables,
)
from mlops_assets.operations.erasing.proof import traces_of
from mlops_assets.operations.parameter_values import user

Step = Callable[[Order, Lake, History], None]


@dataclass(frozen=True)
class Forgotten:
    """What is, or was, to be forgotten.

    Attributes:
        media: SHA-256 of their bytes.
        impact: `what`, `name`, `partition`, `rows`, `size_bytes`: everything that goes, and the
            snapshots and models that learned from it.
        done: whether it is gone; False for a look only.
        traces: what `traces_of` found afterwards; empty is the proof.
    """

    media: tuple[str, ...]
    impact: pl.DataFrame
    done: bool
    traces: pl.DataFrame


def forget(
    media: Iterable[str],
    *,
    reason: str = "",
    by: str | None = None,
    do: bool = False,
    history: History | None = None,
    lake: Lake | None = None,
) -> Forgotten:
    """Erase media and everything made from them, for good; without `do` only say what would go.

    Equal bytes are the same media: every copy goes. What a killed erasure left is completed first.
    Doing it again changes nothing.

    Args:
        media: hashes, 8 or more digits of one, or `source/path`.
        reason: why, for people; the audit row keeps it.
        by: who; the user of this process for None.
        do: erase.
        history: what Dagster remembers; that of this installation for None.
        lake: which; the current one for None.

    Raises:
        InputError: no such media (`not_found`), or no reason (`no_reason`).
        TransientError: a run is at work on one of the partitions, or other writers kept coming
            first: what is done stays done, the next call completes it.
    """
    lake, history = lake or current_lake(), history or history_of_settings()
    if do and not reason.strip():
        raise InputError("forgetting needs a reason; the audit row keeps it", reason="no_reason")
    begun = open_orders(lake)
    chosen = media_named(media, lake, begun)
    order = make_order(lake, chosen, reason=reason.strip(), by=by or user())
    impact = impact_of(order, lake, history)
    if not do:
        return Forgotten(order.media, impact, False, traces_of([], lake=lake))
    evidence = evidence_of(order, lake)
    for one in begun:
        found = make_order(lake, one.media, reason=one.reason, by=one.by)
        carry_out(one.joined(found), lake, history)
    if begun:
        order = make_order(lake, chosen, reason=order.reason, by=order.by)
    if _is_left(order, lake):
        carry_out(order, lake, history)
    everything = {*order.media, *(name for one in begun for name in one.media)}
    left = traces_of(sorted(everything), evidence=evidence, lake=lake, history=history)
    return Forgotten(order.media, impact, True, left)


def carry_out(order: Order, lake: Lake, history: History) -> None:
    """Erase what an order says, however much of it is done already."""
    write_order(lake, order)
    for step in STEPS:
        step(order, lake, history)
    close_order(lake, order)


def _is_left(order: Order, lake: Lake) -> bool:
    """Whether anything of it is still there, or no tombstone says that it is not to be."""
    is_stated = set(order.media) <= erased_media(lake)
    is_kept = any(lake.vault.holds(one) for one in order.media)
    return not is_stated or is_kept or bool(order.paths or order.keys)


def _entomb(order: Order, lake: Lake, history: History) -> None:
    """From here on the bytes are refused wherever they land."""
    entomb(lake, order.media, reason=order.reason, by=order.by)


def _drop_landed(order: Order, lake: Lake, history: History) -> None:
    drop_landed(order)


def _erase_tables(order: Order, lake: Lake, history: History) -> None:
    erase_tables(order, lake)


def _drop_bytes(order: Order, lake: Lake, history: History) -> None:
    drop_bytes(order, lake)


def _drop_previews(order: Order, lake: Lake, history: History) -> None:
    drop_previews(order, lake)


def _mark_snapshots(order: Order, lake: Lake, history: History) -> None:
    mark_snapshots(lake, order.learned, erasure=order.name)


def _flag_models(order: Order, lake: Lake, history: History) -> None:
    flag_models(lake, order.learned, by=order.by)


def _drop_reports(order: Order, lake: Lake, history: History) -> None:
    drop_reports()
    blank_logs(order)


def _erase_history(order: Order, lake: Lake, history: History) -> None:
    left = history.erase(order.partitions)
    if left.unfinished:
        raise TransientError(
            f"{left.unfinished} runs are at work on {', '.join(order.partitions)}; their events "
            "can go when they are finished: forget again"
        )


STEPS: tuple[Step, ...] = (
    _entomb,
    _drop_landed,
    _erase_tables,
    _drop_bytes,
    _drop_previews,
    _mark_snapshots,
    _flag_models,
    _drop_reports,
    _erase_history,
)
"""In this order: the tombstone first; each step can be repeated."""


def forgotten(lake: Lake | None = None) -> pl.DataFrame:
    """The audit rows: `media_id`, `reason`, `ruled_by`, `recorded_at`, `state`.

    `state` is `done`, or `begun` for an erasure that was killed: the next one completes it.
    """
    lake = lake or current_lake()
    begun = [name for order in open_orders(lake) for name in order.media]
    state = pl.when(pl.col("media_id").is_in(begun)).then(pl.lit("begun")).otherwise(pl.lit("done"))
    return tombstones(lake).with_columns(state=state)
