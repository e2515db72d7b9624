"""Places outside the tables' rows that hold something of media, and how it is removed there."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlops_assets.lake import MEDIA, Lake
from mlops_assets.lake.erasing import Doomed, erase_rows
from mlops_assets.lake.vault import hash_file
from mlops_assets.landing import ARRIVALS, RULINGS
from mlops_assets.landing.tombstones import is_tombstone
from mlops_assets.operations.erasing.history import dagster_home
from mlops_assets.operations.erasing.orders import Order
from mlops_assets.settings import settings
from mlops_assets.tables import all_tables

SIDECAR = ".json"
_LOGS = (".log", ".out", ".err")
_ABANDONED = timedelta(hours=1)


def erase_tables(order: Order, lake: Lake) -> None:
    """Erase the rows of every table, parents before children, so that none is made again.

    A run at work on one of the partitions has to plan again: it planned on rows that are gone.
    """
    row_tables = {n: t for n, t in all_tables().items() if t.producer.scheme == MEDIA}
    skipped = [f"{name}__skipped" for name in row_tables]
    there = lake.tables()
    first = [ARRIVALS.name, RULINGS.name, *row_tables]
    for name in [*first, *(one for one in there if one not in first)]:
        keys = {
            MEDIA.parse(partition).folder: rows
            for partition, rows in order.keys.get(name, {}).items()
        }
        spare = is_tombstone if name == RULINGS.name else None
        disturbed = order.places if name in row_tables or name in skipped else []
        erase_rows(lake, name, Doomed(order.names, keys, spare), disturb=disturbed)


def landed_files(order: Order) -> list[Path]:
    """The files of the landing zone that have these bytes, and their sidecars."""
    folder = settings().landing_folder.absolute()
    if not folder.is_dir():
        return []
    found = [file for file in _walk(folder) if _is_of(order, file)]
    beside = [file.with_name(file.name + SIDECAR) for file in found]
    beside += [folder / path for path in order.beside]
    inside = (file for file in beside if file.resolve().is_relative_to(folder.resolve()))
    return list(dict.fromkeys([*found, *(file for file in inside if file.is_file())]))


def _is_of(order: Order, file: Path) -> bool:
    try:
        return file.stat().st_size in order.sizes and hash_file(file) in order.names
    except FileNotFoundError:  # taken away while we looked
        return False


def _walk(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink())


def drop_landed(order: Order) -> None:
    """Remove the landed files, and their sidecars before them."""
    for file in reversed(landed_files(order)):
        file.unlink(missing_ok=True)


def drop_bytes(order: Order, lake: Lake) -> None:
    """Remove the bytes from the vault, and what a killed copying left there."""
    for sha256 in order.names:
        lake.vault.drop(sha256)
    before = datetime.now(UTC) - _ABANDONED
    listed = lake.store.list("vault/incoming")
    lake.store.delete([one["path"] for one in listed if one["last_modified"] < before])


def previews(order: Order, lake: Lake) -> list[tuple[str, int]]:
    """Path and bytes of the pictures of the partitions."""
    return [
        (entry["path"], entry["size"])
        for name in all_tables()
        for place in order.places
        for entry in lake.store.list(f"pictures/{name}")
        if entry["path"].partition("~")[0] == f"pictures/{name}/{place.folder}"
    ]


def drop_previews(order: Order, lake: Lake) -> None:
    """Remove the pictures of the partitions, and notes of work that is not committed."""
    lake.store.delete([path for path, _ in previews(order, lake)])
    folders = [place.folder for place in order.places]
    staged = [entry["path"] for entry in lake.store.list("staging")]
    lake.store.delete([path for path in staged if any(f"/{one}/" in path for one in folders)])


def reports() -> list[Path]:
    """Files that are made anew from the lake whenever it changes: the KPIs of dbt."""
    home = settings().home
    return [file for file in sorted(home.glob("metadata.duckdb*")) if file.is_file()]


def drop_reports() -> None:
    """Remove them; the next build makes them of what is left."""
    for file in reports():
        file.unlink(missing_ok=True)


def blank_logs(order: Order) -> None:
    """Write over the hashes in text logs, in place: whoever has a log open goes on writing."""
    folders = {settings().home.absolute(), *([home] if (home := dagster_home()) else [])}
    for folder in folders:
        for file in _walk(folder):
            if file.suffix in _LOGS and file.stat().st_size:
                _blank(file, order.names)


def _blank(file: Path, names: tuple[str, ...]) -> None:
    with file.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as content:
        for name in names:
            place = content.find(name.encode())
            while place >= 0:
                content[place : place + len(name)] = b"x" * len(name)
                place = content.find(name.encode(), place)
