"""Markers: finished slices that are not committed yet, found again by the name of their inputs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlops_assets.lake import Lake, Partition
from mlops_assets.rows.slices import Output, Slice
from mlops_assets.rows.tables import Producer

_TRUSTED_FOR = timedelta(days=6)
"""Less than the vacuum's retention: the files of an older marker may be gone."""


def write_marker(lake: Lake, producer: Producer, one: Slice, output: Output) -> None:
    """Remember that a slice is finished."""
    lake.store.put(_path(producer, one), output.to_json().encode())


def find_marker(lake: Lake, producer: Producer, one: Slice) -> Output | None:
    """What an equal slice came to, if a run finished it and was stopped before its commit."""
    path = _path(producer, one)
    if lake.store.size(path) is None:
        return None
    output = Output.from_json(lake.store.get(path))
    staged = [(name, file) for name, files in output.files.items() for file in files]
    whole = all(
        lake.store.size(f"tables/{name}/{file.path}") == file.size_bytes for name, file in staged
    )
    return output if whole else None


def sweep_markers(lake: Lake, producer: Producer, partition: Partition) -> None:
    """Forget the finished slices of a partition: they are committed."""
    lake.store.delete([entry["path"] for entry in lake.store.list(_folder(producer, partition))])


def stale_markers(lake: Lake, now: datetime | None = None) -> list[str]:
    """Markers so old that the files they name may be gone."""
    limit = (now or datetime.now(UTC)) - _TRUSTED_FOR
    return [e["path"] for e in lake.store.list("staging") if e["last_modified"] < limit]


def _folder(producer: Producer, partition: Partition) -> str:
    return f"staging/{producer.name}/{partition.folder}"


def _path(producer: Producer, one: Slice) -> str:
    return f"{_folder(producer, one.partition)}/{one.name}.json"
