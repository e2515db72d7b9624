"""Deliver a folder into the landing zone, each file by rename."""

from __future__ import annotations

from pathlib import Path


def deliver(folder: Path, landing: Path) -> int:
    """Move every file of a folder tree into the landing zone at the same relative path.

    A rename is seen at once and whole. Both folders must lie on one file system.

    Returns:
        Number of files moved.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for file in sorted(files, key=lambda path: path.suffix != ".json"):
        target = landing / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    return len(files)
