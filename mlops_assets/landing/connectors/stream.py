"""A live stream, recorded into segments with wall-clock times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from mlops_assets.errors import InputError, TransientError
from mlops_assets.landing.connectors.connector import Connector, Item, Page, Scratch, paged
from mlops_assets.landing.connectors.recording import Recorder, Recording
from mlops_assets.landing.connectors.web import without_query
from mlops_assets.settings import settings

_RECORDERS: dict[Path, Recorder] = {}
"""The recorders of this process, by spool: a stream has one, however often it is looked at."""


@dataclass(frozen=True)
class StreamConnector(Connector):
    """Segments of a camera or a feed (RTSP, HTTP), cut at key frames and never encoded again.

    A thread of the process that looks records into the spool; a segment leaves the spool once its
    arrival is stated. One process records at a time.

    Args:
        url: `${NAME}` where it holds a password.
        segment_s: length of a segment.
        segment_mb: a segment that grows larger ends early.
        spool: folder of the segments; one in the home if empty.
        spool_gb: recording pauses when so much waits there.
        quiet_s: longest silence, then it is connected anew.
        listen: whether to record here; no, if another process does, by `recording.record`.
    """

    url: str = field(repr=False)
    segment_s: float = 60.0
    segment_mb: float = 500.0
    spool: str = ""
    spool_gb: float = 10.0
    quiet_s: float = 10.0
    listen: bool = True

    def describe(self) -> str:
        """The URL, without user and password."""
        return f"stream {without_query(self.url)}"

    @property
    def writes_to(self) -> tuple[str, ...]:
        """The spool."""
        return (str(self.recording.spool.absolute()),)

    @cached_property
    def recording(self) -> Recording:
        """What is recorded, and where to."""
        name = hashlib.sha256(self.describe().encode()).hexdigest()[:16]
        return Recording(
            self.url,
            without_query(self.url),
            Path(self.spool) if self.spool else settings().home / "streams" / name,
            self.segment_s,
            int(self.segment_mb * 1e6),
            int(self.spool_gb * 1e9),
            self.quiet_s,
        )

    def list_since(self, cursor: str | None) -> Iterator[Page]:
        """The segments in the spool; those that the cursor names are stated, and leave it first.

        Raises:
            TransientError: nothing is being recorded now; says why.
        """
        if self.listen:
            self._recorder()
        listed: list[str] = json.loads(cursor) if cursor else []
        for segment in self.recording.segments():
            if segment.name in listed:
                segment.unlink()
                _sidecar(segment).unlink(missing_ok=True)
        names: list[str] = []
        for page in paged(item for one in self.recording.segments() for item in _items(one)):
            names += [item.name for item in page]
            yield Page(page, json.dumps(names))
        error = self._recorder().error if self.listen else None
        if error:
            raise TransientError(error)

    def open(self, item: Item, scratch: Scratch) -> Path:
        """The segment in the spool."""
        file = self.recording.spool / Path(item.name).name
        if not file.is_file():
            raise InputError(f"{file} vanished", reason="vanished")
        return file

    def _recorder(self) -> Recorder:
        spool = self.recording.spool
        if spool not in _RECORDERS:
            _RECORDERS[spool] = Recorder(self.recording)
            _RECORDERS[spool].start()
        return _RECORDERS[spool]


def _items(segment: Path) -> Iterator[Item]:
    for file in (segment, _sidecar(segment)):
        if file.is_file():
            found = file.stat()
            time = datetime.fromtimestamp(found.st_mtime, UTC)
            yield Item(file.name, found.st_size, time)


def _sidecar(segment: Path) -> Path:
    return segment.with_name(f"{segment.name}.json")
