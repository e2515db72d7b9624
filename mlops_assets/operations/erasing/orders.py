"""Orders: all that is to go with some media, written down before anything goes.

Once rows are gone nothing tells what was made of them. An order does: it lies in the lake until
everything in it is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

import polars as pl

from mlops_assets.lake import MEDIA, Lake, Partition, still_lake
from mlops_assets.lake.erasing import names_any
from mlops_assets.landing import ARRIVALS
from mlops_assets.operations.erasing.marks import Learned, learned_from
from mlops_assets.rows import Table
from mlops_assets.rows.trace import descendants
from mlops_assets.tables import all_tables, table_named

FOLDER = "erasing"

Keys = dict[str, dict[str, pl.DataFrame]]
"""Table to key of a partition to the keys of the rows that go."""


@dataclass(frozen=True)
class Order:
    """What is to go.

    Attributes:
        media: SHA-256 of the bytes.
        reason: why, for people.
        by: who.
        partitions: keys of the partitions that hold anything of them.
        paths: `source/path` of every file that landed with these bytes, to its hash.
        sizes: of these files and of `sidecars`, in bytes.
        sidecars: hashes of their sidecars that no other file has.
        beside: `source/path` of every sidecar.
        keys: rows of media tables by table, partition and key.
        learned: snapshots that have items of them, and the models that learned from these.
    """

    media: tuple[str, ...]
    reason: str
    by: str
    partitions: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    sidecars: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    keys: Keys = field(default_factory=dict)
    learned: tuple[Learned, ...] = ()

    @property
    def name(self) -> str:
        """A short name; the same media have the same."""
        return hashlib.sha256("\n".join(self.media).encode()).hexdigest()[:16]

    @property
    def names(self) -> tuple[str, ...]:
        """Every hash that a row may name them by."""
        return (*self.media, *self.sidecars)

    @property
    def places(self) -> list[Partition]:
        """The partitions."""
        return [MEDIA.parse(key) for key in self.partitions]

    def joined(self, other: Order) -> Order:
        """Both: what was found before, and what is found now."""
        keys = {table: dict(parts) for table, parts in self.keys.items()}
        for table, parts in other.keys.items():
            for key, rows in parts.items():
                _add(keys, table, key, rows)
        known = {(one.snapshot_id, one.model) for one in self.learned}
        more = [one for one in other.learned if (one.snapshot_id, one.model) not in known]
        return replace(
            self,
            partitions=tuple(sorted({*self.partitions, *other.partitions})),
            paths={**self.paths, **other.paths},
            sizes=tuple(sorted({*self.sizes, *other.sizes})),
            sidecars=tuple(sorted({*self.sidecars, *other.sidecars})),
            beside=tuple(sorted({*self.beside, *other.beside})),
            keys=keys,
            learned=(*self.learned, *more),
        )


def make_order(lake: Lake, media: Iterable[str], *, reason: str, by: str) -> Order:
    """Find all there is of some media; nothing is changed.

    A row goes when its text names one of them, and, in a table whose rows do not say which medium
    they are about, when its lineage leads to such a row: it was made of many media, and the next
    run makes it of those that are left.
    """
    chosen = tuple(sorted(set(media)))
    said = ARRIVALS.statements(lake)
    mine = said.filter(pl.col("sha256").is_in(chosen))
    sidecars = _own_sidecars(said, mine)
    with still_lake():
        keys = _keys(lake, (*chosen, *sidecars))
        learned = learned_from(lake, chosen)
    landed = {MEDIA.of(*row).key for row in mine.select("source", "day").iter_rows()}
    named = mine.select(pl.concat_str("source", "path", separator="/"), "sha256")
    sizes = {*mine["size_bytes"], *(lake.store.size(lake.vault.path(one)) for one in sidecars)}
    return Order(
        chosen,
        reason,
        by,
        partitions=tuple(sorted(landed.union(*keys.values()))),
        paths=dict(named.iter_rows()),
        sizes=tuple(sorted(sizes - {None})),
        sidecars=sidecars,
        beside=_beside(ARRIVALS.latest(lake).filter(pl.col("sha256").is_in(chosen))),
        keys=keys,
        learned=tuple(learned),
    )


def _own_sidecars(said: pl.DataFrame, mine: pl.DataFrame) -> tuple[str, ...]:
    """Sidecars of these files alone; a sidecar that others have too is not theirs to take along."""
    own = set(mine["sidecar_sha256"].drop_nulls())
    others = said.join(mine.select("sha256").unique(), on="sha256", how="anti")
    return tuple(sorted(own - set(others["sidecar_sha256"].drop_nulls()) - set(mine["sha256"])))


def _beside(mine: pl.DataFrame) -> tuple[str, ...]:
    """The sidecars of paths that have these bytes still."""
    if "sidecar_path" not in mine.columns:  # statements of version 0.1 only
        return ()
    paths = mine.select(pl.concat_str("source", "sidecar_path", separator="/")).to_series()
    return tuple(paths.drop_nulls().unique().sort())


def _keys(lake: Lake, names: tuple[str, ...]) -> Keys:
    tables = [one for one in all_tables().values() if one.producer.scheme == MEDIA]
    found: Keys = {}
    for table in tables:
        for partition, seeds in _named_rows(table, lake, names):
            known = found.get(table.name, {}).get(partition.key)
            fresh = seeds if known is None else seeds.join(known, on=table.key, how="anti")
            if fresh.is_empty():
                continue
            for kin in descendants(table, lake, partition, fresh, tables):
                if "media_id" not in kin.parent.row.columns():
                    _add(found, kin.parent.name, partition.key, kin.keys)
            _add(found, table.name, partition.key, fresh)
    return found


def _named_rows(
    table: Table, lake: Lake, names: tuple[str, ...]
) -> list[tuple[Partition, pl.DataFrame]]:
    rows = table.rows(lake)
    named = rows.filter(names_any(rows.collect_schema(), names))
    keys = named.select(*MEDIA.columns, *table.key).unique(maintain_order=True).collect()
    parts = keys.group_by(MEDIA.columns, maintain_order=True)
    return [(MEDIA.of(*map(str, at)), part.select(table.key)) for at, part in parts]


def _add(keys: Keys, table: str, partition: str, rows: pl.DataFrame) -> None:
    parts = keys.setdefault(table, {})
    before = parts.get(partition)
    parts[partition] = rows if before is None else pl.concat([before, rows]).unique()


def write_order(lake: Lake, order: Order) -> None:
    """Write an order down."""
    told = asdict(replace(order, keys={}))
    told["keys"] = {
        table: {key: rows.rows() for key, rows in parts.items()}
        for table, parts in order.keys.items()
    }
    lake.store.put(_path(order), json.dumps(told, default=str).encode())


def open_orders(lake: Lake) -> list[Order]:
    """Orders that were not done to their end."""
    listed = sorted(entry["path"] for entry in lake.store.list(FOLDER))
    return [_read(lake.store.get(path)) for path in listed]


def close_order(lake: Lake, order: Order) -> None:
    """Everything in it is done."""
    lake.store.delete([_path(order)])


def _path(order: Order) -> str:
    return f"{FOLDER}/{order.name}.json"


def _read(content: bytes) -> Order:
    told = json.loads(content)
    keys = {
        table: {key: _frame(table_named(table), rows) for key, rows in parts.items()}
        for table, parts in told["keys"].items()
        if table in all_tables()
    }
    learned = [Learned(**{**one, "versions": tuple(one["versions"])}) for one in told["learned"]]
    return Order(
        media=tuple(told["media"]),
        reason=told["reason"],
        by=told["by"],
        partitions=tuple(told["partitions"]),
        paths=told["paths"],
        sizes=tuple(told["sizes"]),
        sidecars=tuple(told["sidecars"]),
        beside=tuple(told["beside"]),
        keys=keys,
        learned=tuple(learned),
    )


def _frame(table: Table, rows: list[list[object]]) -> pl.DataFrame:
    schema = {name: table.row.schema()[name] for name in table.key}
    return pl.DataFrame(rows, schema=schema, orient="row")
