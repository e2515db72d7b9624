"""Calls on hostile files, each in a process that is bounded, killed when it hangs, and replaced."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from mlops_assets.gates.checking.walking import problem_of
from mlops_assets.gates.pixels import Finding, find

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

PRELOAD = [
    *("mlops_assets.gates.checking.one_file", "mlops_assets.gates.checking.warmed"),
    *("numpy", "cv2", "av", "PIL.Image", "PIL.ImageOps", "PIL.ImageCms", "pypdfium2"),
    *("puremagic", "py3langid", "charset_normalizer"),
]
"""Imported once, by the process that the workers are forked from."""

_RECYCLE_AFTER = 200
_IN_FLIGHT = 4
_WALL_FACTOR = 5
_BATCH_ITEMS = 32
_BATCH_BYTES = 256 * 1024
_KILLED_BY = {signal.SIGXCPU: "timed_out", signal.SIGKILL: "out_of_memory"}


@dataclass(frozen=True)
class Isolation:
    """Bounds on the processes that read files.

    Attributes:
        workers: how many; 0 for one per core.
        cpu_s: processor seconds one file may take; five times as long by the clock on the wall,
            since a busy machine is no fault of the file.
        memory_bytes: data memory of one process.
    """

    workers: int = 0
    cpu_s: float = 90.0
    memory_bytes: int = 4_000_000_000


class Workers:
    """A pool of bounded processes; made by `start_workers`."""

    def __init__(self, pool: ProcessPool, bounds: Isolation, count: int) -> None:
        self._pool, self._bounds, self._count = pool, bounds, count

    def run(
        self,
        call: Callable[[ItemT], ResultT],
        items: Iterable[ItemT],
        *,
        weigh: Callable[[ItemT], int] = lambda _: _BATCH_BYTES,
        limit_s: float | None = None,
    ) -> Iterator[tuple[ItemT, ResultT | Finding, float]]:
        """Call a function for each item; each item comes back once, as they finish.

        Small items go to a process together, since sending one costs about as much as looking at
        it. Those of a batch that fails are tried again one by one, so that each pays for itself.

        Args:
            call: at the top level of a module; what it takes and returns can be pickled.
            items: taken a few at a time.
            weigh: bytes of an item.
            limit_s: after so long the rest is given up, and does not come back; None: never.

        Yields:
            An item with what was returned, or with why nothing was: `decoder_crashed`,
            `timed_out`, `out_of_memory`, or what the system said of the file; and the seconds
            since it was asked for.
        """
        waiting: dict[ProcessFuture[list[ResultT]], tuple[list[ItemT], float]] = {}
        batches = _batches(items, weigh)
        again: list[list[ItemT]] = []
        end = None if limit_s is None else time.monotonic() + limit_s
        try:
            while True:
                while len(waiting) < _IN_FLIGHT * self._count:
                    batch = again.pop() if again else next(batches, None)
                    if batch is None:
                        break
                    waiting[self._schedule(call, batch)] = batch, time.perf_counter()
                if not waiting:
                    return
                left_s = None if end is None else end - time.monotonic()
                if left_s is not None and left_s <= 0:
                    return
                done, _ = wait(waiting, left_s, return_when=FIRST_COMPLETED)
                for future in done:
                    batch, began = waiting.pop(future)  # type: ignore[call-overload]
                    outcome = _outcome(future)  # type: ignore[arg-type]
                    if isinstance(outcome, Finding) and len(batch) > 1:
                        again.extend([one] for one in batch)
                        continue
                    seconds = time.perf_counter() - began
                    alike = isinstance(outcome, Finding)
                    results = [outcome] if alike else outcome
                    for item, result in zip(batch, results, strict=True):
                        yield item, result, seconds
        finally:
            for future in waiting:
                future.cancel()

    def _schedule(
        self, call: Callable[[ItemT], ResultT], batch: list[ItemT]
    ) -> ProcessFuture[list[ResultT]]:
        cpu_s = self._bounds.cpu_s
        return self._pool.schedule(
            _bounded, args=[call, batch, cpu_s], timeout=_WALL_FACTOR * cpu_s
        )


def _batches(items: Iterable[ItemT], weigh: Callable[[ItemT], int]) -> Iterator[list[ItemT]]:
    batch: list[ItemT] = []
    weight = 0
    for item in items:
        batch.append(item)
        weight += weigh(item)
        if weight >= _BATCH_BYTES or len(batch) == _BATCH_ITEMS:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


@contextmanager
def start_workers(bounds: Isolation) -> Iterator[Workers]:
    """A pool that is stopped when the block ends."""
    count = bounds.workers or os.cpu_count() or 1
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    pool = ProcessPool(
        max_workers=count,
        max_tasks=_RECYCLE_AFTER,
        initializer=_confine,
        initargs=[bounds.memory_bytes],
        context=context,
    )
    try:
        yield Workers(pool, bounds, count)
    finally:
        pool.stop()
        pool.join()


def _outcome(future: ProcessFuture[ResultT]) -> ResultT | Finding:
    failure = future.exception()
    match failure:
        case None:
            return future.result()
        case TimeoutError():
            return find("timed_out", "its process was stopped")
        case MemoryError():
            return find("out_of_memory")
        case ProcessExpired():  # an OSError itself
            return _death(failure.exitcode or 0)
        case OSError():
            return problem_of(failure)
        case _:
            return find("decoder_crashed", f"{type(failure).__name__}: {str(failure)[:200]}")


def _death(exit_code: int) -> Finding:
    if exit_code >= 0:
        return find("decoder_crashed", f"its process ended with code {exit_code}")
    name = signal.strsignal(-exit_code) or f"signal {-exit_code}"
    return find(_KILLED_BY.get(signal.Signals(-exit_code), "decoder_crashed"), name.lower())


def _bounded(call: Callable[[ItemT], ResultT], batch: list[ItemT], cpu_s: float) -> list[ResultT]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime + cpu_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    return [call(item) for item in batch]


def _confine(memory_bytes: int) -> None:
    """Bound a worker, silence what its libraries print, and let it die with its parent."""
    for what, bound in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (bound, resource.getrlimit(what)[1]))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
