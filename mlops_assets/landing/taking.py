"""Take bytes in: open what a source offers, keep it in the vault, say what came of it."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import time
from collections import deque
from collections.abc import Collection, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mlops_assets.errors import ConfigurationError, InputError, MlopsError, TransientError
from mlops_assets.lake import Lake, Vault
from mlops_assets.lake.residency import require_residence
from mlops_assets.landing.connectors import Item, Scratch
from mlops_assets.landing.known import Stated
from mlops_assets.landing.pairing import Work
from mlops_assets.landing.sources import Source
from mlops_assets.settings import settings

_FORGET_AFTER = timedelta(days=2)
_NOWHERE = Path()
"""Where a source puts bytes that lie where they are."""


@dataclass(frozen=True)
class Taken:
    """What came of one piece of work: the arrival to be stated, the item that failed, or both."""

    work: Work
    row: Stated | None = None
    failed: Item | None = None
    error: MlopsError | None = None


@dataclass(frozen=True)
class Taker:
    """Takes in items of sources, several at a time where they have to be fetched.

    Args:
        lake: whose vault keeps the bytes.
        refused: hashes of bytes that must not be kept again; their arrival is stated all the same.
        now: time of the look.
    """

    lake: Lake
    refused: Collection[str]
    now: datetime

    def take_all(self, source: Source, works: Sequence[Work]) -> Generator[Taken]:
        """Take in one piece after the other, in order, and no more than are asked for.

        Of a source whose items must be fetched, `settings().landing_open` are fetched at a time:
        that many more than were asked for may have been taken into the vault.
        """
        if source.connector.in_place:
            yield from (self._take(source, work) for work in works)
            return
        waiting: deque[Future[Taken]] = deque()
        width = settings().landing_open
        with ThreadPoolExecutor(width, "landing") as threads:
            try:
                for work in works:
                    waiting.append(threads.submit(self._take, source, work))
                    if len(waiting) == width:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _take(self, source: Source, work: Work) -> Taken:
        try:
            row = self._file(source, work)
        except (InputError, TransientError) as error:
            return Taken(work, failed=work.item, error=error)
        try:
            is_refused = row.get("sha256") in self.refused
            return Taken(work, {**row, **self._sidecar(source, work, is_refused=is_refused)})
        except (InputError, TransientError) as error:  # a file is not kept back by its sidecar
            return Taken(work, row if work.item else None, failed=work.sidecar, error=error)

    def _sidecar(self, source: Source, work: Work, *, is_refused: bool) -> Stated:
        """What is stated of a new sidecar; nothing if there is none.

        Of bytes that are refused the sidecar is known, and not kept either.
        """
        if work.sidecar is not None:
            item = work.sidecar
            sha256 = None if is_refused else self._keep(source, item)[0]
            stated = item.path, item.mark, item.modified_at
        elif work.adopted is not None:
            sha256 = None if is_refused else work.adopted["sha256"]
            stated = (work.adopted[name] for name in ("path", "mark", "modified_at"))
        else:
            return {}
        names = ("sidecar_path", "sidecar_mark", "sidecar_modified_at")
        return {**dict(zip(names, stated, strict=True)), "sidecar_sha256": sha256}

    def _file(self, source: Source, work: Work) -> Stated:
        """The arrival without a new sidecar; what is not read stays as it was stated."""
        before, item = work.before or {}, work.item
        row = {**before, "source": source.name, "path": work.path}
        if item is None:
            return row
        if before.get("name") not in (None, item.name):
            raise InputError(
                f"{item.name!r} and {before['name']!r} have one path, {work.path!r}",
                reason="same_path",
            )
        sha256, size_bytes = self._keep(source, item)
        return {
            **row,
            "size_bytes": size_bytes,
            "modified_at": item.modified_at or self.now,
            "sha256": sha256,
            "name": None if item.name == work.path else item.name,
            "mark": item.mark,
        }

    def _keep(self, source: Source, item: Item) -> tuple[str, int]:
        """Hash and size of an item, whose bytes are in the vault."""
        connector, limit = source.connector, int(source.row.max_item_gb * 1e9)
        if connector.in_place:
            file = connector.open(item, Scratch(_NOWHERE, limit, float("inf")))
            return self._into_vault(self.lake.vault, file, item.size_bytes)
        if item.size_bytes is not None and item.size_bytes > limit:
            raise InputError(
                f"{item.size_bytes} bytes; the limit is {limit} (max_item_gb)", reason="too_large"
            )
        folder = self._scratch(source, item)
        folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + source.row.timeout_s
        try:
            file = connector.open(item, Scratch(folder / "bytes", limit, deadline))
            kept = self._into_vault(Vault(self.lake.store), file, None)
        except InputError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        except OSError as err:
            raise ConfigurationError(f"cannot write to {folder}: {err}") from err
        shutil.rmtree(folder, ignore_errors=True)
        return kept

    def _into_vault(self, vault: Vault, file: Path, size_bytes: int | None) -> tuple[str, int]:
        size_bytes = file.stat().st_size if size_bytes is None else size_bytes
        return vault.keep(file, refuse=self.refused), size_bytes

    def _scratch(self, source: Source, item: Item) -> Path:
        """A folder of this version of this item; what an interrupted fetch left is found again."""
        name = "\0".join((source.name, item.name, item.mark))
        return fetching_folder(self.lake) / hashlib.sha256(name.encode()).hexdigest()[:32]


def fetching_folder(lake: Lake) -> Path:
    """Where bytes lie while they are fetched: in the lake if it is a folder, else in the home."""
    if lake.store.is_local:
        return Path(lake.store.uri("fetching"))
    return settings().home.absolute() / "fetching"


@contextmanager
def only_look(lake: Lake) -> Generator[None]:
    """Let one look at a time take in for a lake: two would write over what the other fetches.

    Raises:
        TransientError: another one is at work, in this process or another of this machine.
        ConfigurationError: the folder for fetching cannot be written to.
    """
    folder = fetching_folder(lake)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".look").open("w")
    except OSError as err:
        raise ConfigurationError(f"cannot write to {folder}: {err}") from err
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise TransientError("another look at the sources is at work") from err
        yield


def require_allowed(lake: Lake, source: Source) -> None:
    """Refuse a source whose bytes may not lie where this lake, or the fetching for it, writes.

    Raises:
        ConfigurationError: says which place, and which are allowed.
    """
    places = [lake.store.root, *source.connector.writes_to]
    if not source.connector.in_place:
        places.append(str(fetching_folder(lake)))
    for place in places:
        require_residence(source.name, place)


def sweep_fetching(lake: Lake, now: datetime) -> None:
    """Remove what interrupted fetches left and nobody came back for."""
    limit = (now - _FORGET_AFTER).timestamp()
    for one in fetching_folder(lake).glob("*/"):
        if one.stat().st_mtime < limit:
            shutil.rmtree(one, ignore_errors=True)
