"""Crashes on purpose: stop a run at the n-th pass through one point of it."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

_BRING = importlib.import_module("mlops_assets.rows.bring")
_SLICES = importlib.import_module("mlops_assets.rows.slices")

POINTS = ("stage", "before commit", "after commit", "marker")
"""A file was staged; a commit is about to be made; one was made; a slice was marked finished."""


class CrashError(Exception):
    """The process is dead, as far as this test is concerned."""


@contextlib.contextmanager
def crash_at(point: str, count: int) -> Iterator[None]:
    """Raise at the `count`-th pass (from 1) through a point; suppressed when the block ends."""
    hooks: dict[str, tuple[Any, str, bool]] = {
        "stage": (_SLICES, "stage", True),
        "before commit": (_BRING, "commit_partition", False),
        "after commit": (_BRING, "commit_partition", True),
        "marker": (_BRING, "write_marker", True),
    }
    module, name, after = hooks[point]
    with hooked(module, name, _raising(count), after=after), contextlib.suppress(CrashError):
        yield


def _raising(count: int) -> Callable[[], None]:
    left = [count]

    def hook() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise CrashError

    return hook


@contextlib.contextmanager
def hooked(
    module: Any, name: str, hook: Callable[[], None], *, after: bool = False
) -> Iterator[None]:
    """Call `hook` before, or after, every call of a function of a module."""
    original = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not after:
            hook()
        made = original(*args, **kwargs)
        if after:
            hook()
        return made

    setattr(module, name, wrapped)
    try:
        yield
    finally:
        setattr(module, name, original)
