"""Calls that a worker does not survive; at the top level, so that a process can find them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path


def behave(how: str) -> str:
    """Do what the name says; `well` returns."""
    _BEHAVIOURS.get(how, lambda: None)()
    return how


def _spin() -> None:
    while True:
        pass


def _eat() -> None:
    bytearray(1 << 40)


def _fail() -> None:
    raise KeyError("no such thing")


def _print() -> None:
    os.write(1, b"a library speaks\n")
    os.write(2, b"a library complains\n")


_BEHAVIOURS: dict[str, Callable[[], object]] = {
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "spin": _spin,
    "sleep": signal.pause,
    "eat": _eat,
    "be killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(3),
    "raise": _fail,
    "vanish": lambda: Path("/nowhere/at/all").read_bytes(),
    "print": _print,
}
