"""Small pictures of files that nobody trusts, drawn in processes that can be killed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mlops_assets.gates.checking.isolation import Isolation, start_workers
from mlops_assets.gates.checking.one_file import Work, examine_file
from mlops_assets.gates.checking.walking import reachable
from mlops_assets.gates.limits import Limits

_BOUNDS = Isolation(workers=min(2, os.cpu_count() or 1), cpu_s=4.0, memory_bytes=2_000_000_000)
_LOOK_CPU_S = 1.0
_SIDE_PX = 200
_QUALITY = 75
_ALL_BUT_BOMBS = Limits(
    max_bytes=1 << 62,
    max_pixels=200_000_000,
    max_duration_s=1e12,
    max_rate_hz=1e12,
    max_pages=1 << 31,
    max_read_bytes=50_000_000,
)
"""What a threshold stopped can be looked at all the same."""

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def draw_thumbnails(files: Mapping[str, Path], *, limit_s: float = 20.0) -> dict[str, bytes]:
    """Draw each file of which anything can be seen; nothing is decoded in this process.

    A file that crashes its process, hangs it or takes too much memory costs its own picture only.

    Args:
        files: by any name.
        limit_s: after so long those that are not done are left out.

    Returns:
        By name: JPEG, at most 200 px a side, of the clearest picture of the first second's work,
        faces and licence plates covered.
    """
    if not files:
        return {}
    works = {_work(file): name for name, file in files.items()}
    found: dict[str, bytes] = {}
    with start_workers(_BOUNDS) as workers:
        for work, outcome, _ in workers.run(draw_covered, works, limit_s=limit_s):
            if isinstance(outcome, bytes) and outcome:
                found[works[work]] = outcome
    return found


def draw_covered(work: Work) -> bytes:
    """Draw one file, faces and plates covered; to be called in a process that may die.

    Returns:
        JPEG; empty where nothing can be seen.

    Raises:
        OSError: the disk, not the file, failed.
        MemoryError: it takes more than there is.
    """
    from mlops_assets.media.pictures import decode_jpeg, encode_jpeg
    from mlops_assets.privacy import preview

    with reachable(work.root, work.path) as path:
        decoded = examine_file(path, work).decoded
    if decoded is None or not decoded.picture:
        return b""
    covered = preview(decoded.picture, is_private=False)
    return encode_jpeg(decode_jpeg(covered, max_side_px=_SIDE_PX), _QUALITY)


def _work(file: Path) -> Work:
    root, bounds = file.parent, _ALL_BUT_BOMBS
    return Work(root, file.name, _ANY_TIME, limits=bounds, decode_cpu_s=_LOOK_CPU_S)
