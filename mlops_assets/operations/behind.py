"""Which partitions are behind: what is desired differs from what their last run reached.

The desired state is a digest of what landed and was ruled, and of version, parameters and pins of
every table. The truth is in the lake, so it survives a lost cursor and a new Dagster home.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal

import polars as pl

from mlops_assets.lake import MEDIA, Lake, Ledger, Partition, still_lake
from mlops_assets.landing import desired_digests
from mlops_assets.rows import Producer, Waking, make_plan
from mlops_assets.rows.parameters import EVERY, PARAMETERS, resolve, version_of
from mlops_assets.tables import all_producers

State = Literal["reached", "partial", "touched"]

STATES = Ledger(
    "partitions",
    pl.Schema(
        {
            "source": pl.String(),
            "day": pl.String(),
            "state": pl.String(),
            "digest": pl.String(),
            "run_id": pl.String(),
            "recorded_at": pl.Datetime("us", "UTC"),
        }
    ),
    ("source", "day"),
)
"""What runs reached: `reached` all of a digest, `partial` some of it, `touched` by hand."""


def media_producers() -> list[Producer]:
    """The functions whose tables are partitioned by source and day, parents before children."""
    return [producer for producer in all_producers() if producer.scheme == MEDIA]


def desired_states(lake: Lake, partition: Partition | None = None) -> pl.DataFrame:
    """Every partition, or one, with its `files`, `size_bytes`, `latest_at` and `desired` state."""
    with still_lake():
        landed = desired_digests(lake)
        if partition is not None:
            landed = landed.filter(**partition.as_dict)
        signatures = _Signatures(lake)
        desired = [
            _digest([str(digest), signatures.of(MEDIA.of(source, day))])
            for source, day, digest in landed.select("source", "day", "digest").iter_rows()
        ]
    return landed.with_columns(pl.Series("desired", desired, pl.String())).drop("digest")


def behind_partitions(lake: Lake) -> pl.DataFrame:
    """Every partition with its desired and its reached state, the latest arrivals first.

    Returns:
        `source`, `day`, `files`, `size_bytes`, `latest_at`, `desired`, `reached`, `is_behind`,
        `why` (`new`, `changed`, `partial` or `touched`) and `turn`, which grows with each
        statement.
    """
    statements = STATES.statements(lake)
    turns = statements.group_by("source", "day").agg(turn=pl.len())
    latest = statements.unique(["source", "day"], keep="last", maintain_order=True)
    states = latest.select("source", "day", "state", reached="digest").join(
        turns, on=["source", "day"]
    )
    rows = desired_states(lake).join(states, on=["source", "day"], how="left")
    why = (
        pl.when(pl.col("state").is_null())
        .then(pl.lit("new"))
        .when(pl.col("state") != "reached")
        .then(pl.col("state"))
        .when(pl.col("reached") != pl.col("desired"))
        .then(pl.lit("changed"))
    )
    return (
        rows.with_columns(why=why, turn=pl.col("turn").fill_null(0))
        .with_columns(is_behind=pl.col("why").is_not_null())
        .drop("state")
        .sort("latest_at", "source", "day", descending=[True, False, False])
    )


def settle(lake: Lake, partition: Partition, *, run_id: str) -> State:
    """State what a partition has reached: all that is desired, if no table has anything due.

    The desired state is read before the plans, and the statement bears that time: what lands
    meanwhile, and what is touched by hand meanwhile, makes it behind again. Before it is stated,
    the other partitions that it concerns are woken.
    """
    now = datetime.now(UTC)
    desired = desired_states(lake, partition)
    digest = desired["desired"][0] if desired.height else ""
    with still_lake():
        is_complete = all(make_plan(p, lake, partition).is_empty for p in media_producers())
    state: State = "reached" if is_complete else "partial"
    for other in _woken(lake, partition):
        note(lake, other, "touched", digest="", run_id=run_id)
    note(lake, partition, state, digest=digest, run_id=run_id, now=now)
    return state


def _woken(lake: Lake, partition: Partition) -> Iterator[Partition]:
    """Partitions that have something due now that this one was brought up; see `Waking`."""
    for producer in media_producers():
        for pin in producer.pins.values():
            others = pin.wakes(lake, partition) if isinstance(pin, Waking) else ()
            yield from (one for one in others if not make_plan(producer, lake, one).is_empty)


def note(
    lake: Lake,
    partition: Partition,
    state: State,
    *,
    digest: str,
    run_id: str,
    now: datetime | None = None,
) -> None:
    """State something about a partition, as of `now`, or of the time of the call."""
    source, day = partition.values
    row = {
        "source": source,
        "day": day,
        "state": state,
        "digest": digest,
        "run_id": run_id,
        "recorded_at": now or datetime.now(UTC),
    }
    STATES.append(lake, pl.DataFrame([row], schema=STATES.schema))


class _Signatures:
    """A short digest of version, parameters and pins of every table, per partition."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.stated = PARAMETERS.latest(lake)
        self.apart = set(self.stated["source"])
        self.sources: dict[str, str] = {}
        self.values: dict[str, list[tuple[Producer, dict[str, object]]]] = {}

    def of(self, partition: Partition) -> str:
        source = partition.values[0] if partition.values[0] in self.apart else EVERY
        if source not in self.values:
            found = [(p, resolve(p, self.stated, source)) for p in media_producers()]
            self.values[source] = [(p, values) for p, values in found if p.pins]
            self.sources[source] = _digest(version_of(p, values) for p, values in found)
        pinned = [
            f"{producer.name}.{name}={pin(self.lake, partition, values)}"
            for producer, values in self.values[source]
            for name, pin in producer.pins.items()
            if not isinstance(pin, Waking)
        ]
        return _digest([self.sources[source], *pinned])


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()
