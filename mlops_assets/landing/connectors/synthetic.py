"""Media that are rendered on demand: for demonstrations, tests and a first look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from mlops_assets.landing.connectors.connector import PAGE_ITEMS, Connector, Item, Page, Scratch
from mlops_assets.samples import LABELS, render_clip, render_still

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_SUFFIXES = {"stills": "jpg", "clips": "mp4"}


@dataclass(frozen=True)
class SyntheticConnector(Connector):
    """Rendered stills or clips whose truth is known; equal settings give equal bytes.

    Args:
        count: how many there are.
        kind: of media.
        seed: of what they show.
    """

    count: int = 20
    kind: Literal["stills", "clips"] = "stills"
    seed: int = 0

    def describe(self) -> str:
        """Kind and seed."""
        return f"synthetic {self.kind} of seed {self.seed}"

    def list_since(self, cursor: str | None) -> Iterator[Page]:
        """Those behind the number that the cursor is."""
        for first in range(int(cursor or 0), self.count, PAGE_ITEMS):
            behind = min(first + PAGE_ITEMS, self.count)
            yield Page(tuple(self._item(number) for number in range(first, behind)), str(behind))

    def open(self, item: Item, scratch: Scratch) -> Path:
        """Render it."""
        number = int(item.locator or 0)
        file = scratch.file.with_suffix(f".{_SUFFIXES[self.kind]}")
        label, seed = LABELS[number % len(LABELS)], self.seed * 1_000_003 + number
        if self.kind == "stills":
            render_still(file, label=label, seed=seed, frame_number=number % 65536)
        else:
            render_clip(file, seed=seed)
        scratch.require_room(file.stat().st_size)
        return file

    def _item(self, number: int) -> Item:
        name = f"{self.kind[:-1]}-{number:06}.{_SUFFIXES[self.kind]}"
        time = _FIRST + timedelta(seconds=number)
        return Item(name, None, time, locator=str(number))
