"""What Dagster remembers of partitions, and how it forgets: runs, events, pictures in them, logs.

`python -m mlops_assets.defs.erasing count|erase|traces` does it for the instance of `DAGSTER_HOME`:
a list of words as JSON comes in, an object goes out. So a process without Dagster can ask for it.
"""

import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from mlops_assets.errors import ConfigurationError, TransientError
from mlops_assets.operations.erasing.history import Remembered

FINISHED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_MATERIALIZED = "ASSET_MATERIALIZATION"
_PATIENCE_S = 60.0
_ROWS = 1_000


@dataclass(frozen=True)
class InstanceHistory:
    """The history of one Dagster instance; see `operations.erasing.history.History`.

    Runs are deleted whole: their events hold pictures, examples of rows and messages with names of
    files. Nothing else depends on them: which partitions are behind is told by the lake. Storage is
    compacted afterwards, since what a database deletes stays in its file until then.
    """

    instance: dg.DagsterInstance

    def count(self, partitions: Sequence[str]) -> Remembered:
        """How many runs were about some partitions."""
        finished, unfinished = self._runs(partitions)
        return Remembered(len(finished), len(unfinished))

    def erase(self, partitions: Sequence[str]) -> Remembered:
        """Delete the finished runs of some partitions, and every copy of their events.

        Raises:
            TransientError: the database was in use for too long.
        """
        finished, unfinished = self._runs(partitions)
        for run_id in finished:
            self.instance.delete_run(run_id)
            self.instance.compute_log_manager.delete_logs(prefix=[run_id])
            self._drop_shard(run_id)
        if partitions:
            self._forget_latest(set(finished), partitions)
            _compact(self._urls())
        return Remembered(len(finished), len(unfinished))

    def traces(self, names: Sequence[str]) -> list[str]:
        """Tables of a database server that hold one of some texts; files are read by others."""
        remote = [url for url in self._urls() if url.get_backend_name() != "sqlite"]
        return sorted({place for url in remote for place in _tables_with(url, names)})

    def _runs(self, partitions: Sequence[str]) -> tuple[list[str], list[str]]:
        """Ids of finished and unfinished runs that were about, or touched, some partitions."""
        found = {
            run.run_id: run.status
            for key in partitions
            for run in self.instance.get_runs(dg.RunsFilter(tags={"dagster/partition": key}))
        }
        for run_id in self._touched(partitions) - found.keys():
            run = self.instance.get_run_by_id(run_id)
            found[run_id] = run.status if run else dg.DagsterRunStatus.SUCCESS
        finished = sorted(run_id for run_id, status in found.items() if status in FINISHED)
        return finished, sorted(found.keys() - set(finished))

    def _touched(self, partitions: Sequence[str]) -> set[str]:
        events, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
        asked = [
            db.select(events.run_id).where(events.partition.in_(list(partitions))),
            db.select(checks.run_id).where(checks.partition.in_(list(partitions))),
        ]
        with _storage(self.instance).index_connection() as connection:
            return {row[0] for one in asked for row in connection.execute(one.distinct())}

    def _forget_latest(self, run_ids: set[str], partitions: Sequence[str]) -> None:
        """What is kept of each asset beside its events: its latest one, and results of checks."""
        checks, assets = AssetCheckExecutionsTable.c, AssetKeyTable.c
        with _storage(self.instance).index_connection() as connection:
            is_gone = checks.run_id.in_(run_ids) | checks.partition.in_(list(partitions))
            connection.execute(AssetCheckExecutionsTable.delete().where(is_gone))
            known = connection.execute(db.select(assets.asset_key, assets.last_materialization))
            for key, event in known.fetchall():
                if event and any(word in event for word in (*run_ids, *partitions)):
                    told = {"last_materialization": _latest(connection, key)}
                    change = AssetKeyTable.update().where(assets.asset_key == key)
                    connection.execute(change.values(**told, cached_status_data=None))

    def _drop_shard(self, run_id: str) -> None:
        storage = self.instance.event_log_storage
        if isinstance(storage, SqliteEventLogStorage):
            for end in ("", "-wal", "-shm"):
                Path(storage.path_for_shard(run_id) + end).unlink(missing_ok=True)

    def _urls(self) -> list[db.URL]:
        runs = self.instance.run_storage
        with _storage(self.instance).index_connection() as connection:
            urls = [connection.engine.url]
        if isinstance(runs, SqlRunStorage):
            with runs.connect() as connection:
                urls.append(connection.engine.url)
        return list(dict.fromkeys(urls))


def _storage(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    storage = instance.event_log_storage
    inner = getattr(storage, "event_log_storage", storage)  # a composite keeps it inside
    if not isinstance(inner, SqlEventLogStorage):
        raise ConfigurationError(f"cannot erase events in {type(inner).__name__}; expected SQL")
    return inner


def _latest(connection: db.Connection, key: str) -> str | None:
    """The latest materialization of an asset that is left."""
    events = SqlEventLogStorageTable.c
    mine = (events.asset_key == key) & (events.dagster_event_type == _MATERIALIZED)
    asked = db.select(events.event).where(mine).order_by(events.id.desc()).limit(1)
    return connection.execute(asked).scalar()


def _compact(urls: Sequence[db.URL]) -> None:
    """Write the databases anew, so that deleted rows are in no free page of them."""
    for url in urls:
        if url.get_backend_name() == "sqlite":
            _compact_file(url.database or "")
        else:
            with _connected(url) as connection:
                connection.execute(db.text("VACUUM FULL"))


def _compact_file(file: str) -> None:
    if not Path(file).is_file():  # in memory
        return
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=_PATIENCE_S)) as connection:
            connection.isolation_level = None
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as err:
        raise TransientError(f"cannot compact {file}: {err}") from err


def _tables_with(url: db.URL, names: Sequence[str]) -> Iterator[str]:
    with _connected(url) as connection:
        for table in db.inspect(connection).get_table_names():
            rows = connection.execute(db.text(f'SELECT * FROM "{table}"')).yield_per(_ROWS)
            if any(name in str(tuple(row)) for row in rows for name in names):
                yield f"{url.database}: {table}"


@contextlib.contextmanager
def _connected(url: db.URL) -> Iterator[db.Connection]:
    engine = db.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def main() -> None:
    """Answer one question about the instance of `DAGSTER_HOME`."""
    (action,) = sys.argv[1:]
    words = json.load(sys.stdin)
    with dg.DagsterInstance.get() as instance:
        history = InstanceHistory(instance)
        if action == "traces":
            answer = {"places": history.traces(words)}
        else:
            ask = {"count": history.count, "erase": history.erase}[action]
            answer = asdict(ask(words))
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
