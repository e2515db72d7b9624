"""What was stopped, on one sheet for people: a picture where one may be shown, else a card."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlops_assets.errors import MlopsError
from mlops_assets.gates.checking.thumbnails import draw_thumbnails
from mlops_assets.lake import Vault

SHEET_ITEMS = 24
"""How many a sheet shows."""

_TILE_PX = 160
_LINE = 25
"""Letters of a line under a tile."""

_PICTURED = ("image", "video")
_FETCHED_BYTES = 50_000_000
"""A larger file is not copied here, nor hashed, to be looked at."""


@dataclass(frozen=True)
class Stopped:
    """One item that is out of use.

    Attributes:
        media_id: SHA-256 of its bytes.
        path: as it landed; any text.
        kind: told from the bytes.
        reason: code of what stopped it.
        size_bytes: of the file.
        is_hidden: its picture is not to be shown to anybody.
    """

    media_id: str
    path: str
    kind: str
    reason: str
    size_bytes: int
    is_hidden: bool


def draw_stopped(items: Sequence[Stopped], vault: Vault, *, limit_s: float = 20.0) -> bytes | None:
    """Draw a contact sheet of stopped items, their reason and file name under each.

    Pictures are drawn in processes that can be killed, faces and plates covered; what is hidden, of
    another kind, lost, or cannot be seen has a card with its kind.

    Args:
        items: in reading order; the first 24 are drawn.
        vault: where their bytes are.
        limit_s: after about so long what has no picture yet has a card.

    Returns:
        JPEG; None when there are none.
    """
    from mlops_assets.media.pictures import contact_sheet

    shown = items[:SHEET_ITEMS]
    if not shown:
        return None
    end = time.monotonic() + limit_s
    with ExitStack() as opened:
        files = dict(_opened(shown, vault, opened, end))
        seen = draw_thumbnails(files, limit_s=max(0.0, end - time.monotonic()))
    tiles = [seen.get(one.media_id) or _card(one) for one in shown]
    captions = [f"{_line(one.reason)}\n{_line(posixpath.basename(one.path))}" for one in shown]
    return contact_sheet(tiles, tile_px=_TILE_PX, captions=captions)


def _opened(
    items: Sequence[Stopped], vault: Vault, opened: ExitStack, end: float
) -> Iterator[tuple[str, Path]]:
    """Files of which a picture may be shown, as far as there is time to get at them."""
    at_hand = vault.store.is_local and vault.mode == "copy"
    hidden = {one.media_id for one in items if one.is_hidden}
    for one in items:
        is_wanted = one.kind in _PICTURED and one.media_id not in hidden
        if not is_wanted or time.monotonic() > end:
            continue
        if at_hand or one.size_bytes <= _FETCHED_BYTES:
            try:
                yield one.media_id, opened.enter_context(vault.open(one.media_id))
            except MlopsError:  # lost, changed, or out of reach: it has a card
                continue


def _card(one: Stopped) -> bytes:
    import cv2

    from mlops_assets.media.pictures import encode_jpeg

    card = np.full((_TILE_PX * 2 // 3, _TILE_PX * 9 // 10, 3), 225, np.uint8)
    lines = [one.kind, "not shown" if one.is_hidden else _size(one.size_bytes)]
    for number, line in enumerate(lines):
        (width, _), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
        at = ((card.shape[1] - width) // 2, card.shape[0] // 2 - 4 + 20 * number)
        cv2.putText(card, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (90,) * 3, 1, cv2.LINE_AA)
    return encode_jpeg(card)


def _size(size_bytes: int) -> str:
    for unit, bytes_each in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= bytes_each:
            return f"{size_bytes / bytes_each:.1f} {unit}"
    return f"{size_bytes} bytes"


def _line(text: str) -> str:
    """A name on one line of plain letters, cut in its middle: how it ends says what it is."""
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    if len(plain) <= _LINE:
        return plain
    return f"{plain[: _LINE // 2 - 2]}...{plain[-(_LINE // 2 - 1) :]}"
