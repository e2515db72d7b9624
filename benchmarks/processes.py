"""Calls in a fresh process, so that nothing is imported, cached or grown before."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def in_fresh_process(function: Callable[..., Any], **arguments: Any) -> Any:
    """What a function at the top level of a module returns when a new interpreter calls it.

    Args:
        function: returns JSON values.
        arguments: JSON values.

    Raises:
        subprocess.CalledProcessError: it failed; what it said went to standard error.
    """
    told = json.dumps([function.__module__, function.__name__, arguments])
    command = [sys.executable, "-c", "from benchmarks.processes import serve; serve()", told]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def serve() -> None:
    """The other end of `in_fresh_process`."""
    module, name, arguments = json.loads(sys.argv[1])
    returned = getattr(importlib.import_module(module), name)(**arguments)
    print(json.dumps(returned))


def peak_memory_mb() -> float:
    """The most memory this process has held so far, in MB.

    Read from the memory map: what `getrusage` says of a child begins at its parent's peak.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def cpu_seconds() -> float:
    """User and system seconds of this process and everything below it, what has ended too."""
    stats: dict[int, tuple[int, float]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            told = _stat(folder)
            stats.update({} if told is None else {int(folder.name): told})
    mine = {os.getpid()}
    while more := {pid for pid, (parent, _) in stats.items() if parent in mine} - mine:
        mine |= more
    return sum(stats[pid][1] for pid in mine)


def _stat(folder: Path) -> tuple[int, float] | None:
    """Parent and seconds of one process; None when it has ended."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ticks = sum(int(field) for field in fields[11:15])  # its own, and of children it waited for
    return int(fields[1]), ticks / os.sysconf("SC_CLK_TCK")


def file_system(folder: Path) -> str:
    """Name of the file system that a folder lies on; empty where the system does not say."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    whole = str(folder.resolve())
    under = [one for one in mounts if f"{whole}/".startswith(f"{one[0].rstrip('/')}/")]
    return max(under, key=lambda one: len(one[0]))[1] if under else ""
