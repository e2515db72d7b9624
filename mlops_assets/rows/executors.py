"""Who computes slices: this process, or killable, recycled worker processes; later a cluster.

Every executor gives equal rows; they differ in speed and in what a hostile file can harm.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import resource
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait
from functools import lru_cache
from typing import Protocol

from pebble import ProcessExpired, ProcessPool

from mlops_assets.errors import WorkerLost
from mlops_assets.rows.slices import Output, Skip, Slice, compute
from mlops_assets.settings import settings

PRELOAD = ["mlops_assets.rows.slices", "numpy"]
_RECYCLE_AFTER = 200
_KILLED = -9  # by the system, when memory ran out


class Executor(Protocol):
    """Computes slices, in any order."""

    def run(self, work: Iterable[Slice]) -> Iterator[tuple[Slice, Output]]:
        """Each slice with what it came to, as they finish."""
        ...


class SerialExecutor:
    """Computes in this process, one after the other."""

    def run(self, work: Iterable[Slice]) -> Iterator[tuple[Slice, Output]]:
        """See `Executor.run`."""
        for one in work:
            yield one, compute(one)


class ProcessExecutor:
    """Computes in worker processes.

    A slice whose worker dies or outlives its limit is tried again unit by unit, so that the unit at
    fault, and no other, is skipped: `timed_out`, `out_of_memory`, or `decoder_crashed`, since what
    kills a process is a decoder, most often.

    Args:
        workers: how many processes.
        unit_timeout_s: longest time for one unit; a slice of many may take four times as long.
        memory_bytes: most data memory of a worker.
    """

    def __init__(self, workers: int, unit_timeout_s: float, memory_bytes: int) -> None:
        self.unit_timeout_s = unit_timeout_s
        self.pool = _pool(workers, memory_bytes)

    def run(self, work: Iterable[Slice]) -> Iterator[tuple[Slice, Output]]:
        """See `Executor.run`."""
        for one, outcome in self._run(list(work)):
            if isinstance(outcome, Output):
                yield one, outcome
            else:
                yield one, self._one_by_one(one, outcome)

    def _run(self, work: list[Slice]) -> Iterator[tuple[Slice, Output | WorkerLost]]:
        waiting: dict[Future[Output], Slice] = {self._schedule(one): one for one in work}
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), _outcome(future)
        finally:
            for future in waiting:
                future.cancel()

    def _schedule(self, one: Slice):  # noqa: ANN202 - pebble's future
        timeout = self.unit_timeout_s * min(one.units.height, 4)
        return self.pool.schedule(compute, args=[one], timeout=timeout)

    def _one_by_one(self, one: Slice, lost: WorkerLost) -> Output:
        if one.units.height == 1:
            return Output(skips=[_skip(one, lost)])
        parts = [one.only(one.units.slice(place, 1)) for place in range(one.units.height)]
        whole = Output()
        for part, outcome in self._run(parts):
            output = (
                outcome if isinstance(outcome, Output) else Output(skips=[_skip(part, outcome)])
            )
            for table, files in output.files.items():
                whole.files.setdefault(table, []).extend(files)
            whole.skips += output.skips
            whole.seconds += output.seconds
        return whole


def _outcome(future) -> Output | WorkerLost:  # noqa: ANN001 - pebble's future
    try:
        return future.result()
    except TimeoutError:
        return WorkerLost("took longer than the time limit of one unit", reason="timed_out")
    except ProcessExpired as err:
        reason = "out_of_memory" if err.exitcode == _KILLED else "decoder_crashed"
        return WorkerLost(f"the worker process died with exit code {err.exitcode}", reason=reason)


def _skip(one: Slice, lost: WorkerLost) -> Skip:
    unit = one.units.drop("_src", "_file", strict=False).row(0, named=True)
    return Skip(unit, lost.reason, str(lost))


@lru_cache(maxsize=4)
def _pool(workers: int, memory_bytes: int) -> ProcessPool:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    pool = ProcessPool(
        max_workers=workers,
        max_tasks=_RECYCLE_AFTER,
        initializer=_limit,
        initargs=[memory_bytes],
        context=context,
    )
    atexit.register(_stop, pool)
    return pool


def _stop(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def _limit(memory_bytes: int) -> None:
    """Bound a worker's data memory, and let it die with its parent."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, hard))
    os.environ["POLARS_MAX_THREADS"] = "1"
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """A killed run must not leave a hanging worker behind, which nobody would time out."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def executor_for(kind: str) -> Executor:
    """The executor a table asks for, with the limits of the settings."""
    if kind == "serial":
        return SerialExecutor()
    chosen = settings()
    return ProcessExecutor(
        worker_count(), chosen.unit_timeout_s, int(chosen.worker_memory_gb * 1e9)
    )


def worker_count() -> int:
    """How many worker processes there are."""
    return settings().workers or os.cpu_count() or 1
