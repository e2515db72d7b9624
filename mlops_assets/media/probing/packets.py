"""Packets, counted one by one without decoding them, within bounds on packets and bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

from mlops_assets.errors import InputError
from mlops_assets.media.probing.probed import ProbeFlag, ProbeLimits

if TYPE_CHECKING:
    from av.container import InputContainer


class BoundedReader:
    """A file that pretends to end when more was read of it than allowed.

    It has no name, so that FFmpeg cannot guess the format by one.

    Args:
        file: open for reading, seekable; it is read from its start.
        budget_bytes: bytes it gives away in total.

    Attributes:
        size_bytes: size of the file.
    """

    def __init__(self, file: BinaryIO, budget_bytes: int) -> None:
        self._file = file
        self._left = budget_bytes
        self.size_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)

    @property
    def is_spent(self) -> bool:
        """Whether the budget is used up."""
        return self._left <= 0

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; none at the end or when the budget is used up."""
        part = self._file.read(min(size, max(self._left, 0)))
        self._left -= len(part)
        return part

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, as a file does; a place behind the end, of a damaged index, is the end."""
        if whence == os.SEEK_SET:
            offset = min(max(offset, 0), self.size_bytes)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Tell the position, as a file does."""
        return self._file.tell()


@dataclass(frozen=True)
class PacketTally:
    """What the packets of one stream add up to.

    Attributes:
        count: packets that hold something.
        span: seconds from the first to the end of the last; None unless they were counted to the
            end and carry times. A last packet of no stated length lasts as the average one.
        rate: packets per second, on average; None for fewer than two.
        flags: what was odd.
    """

    count: int
    span: Fraction | None
    rate: Fraction | None
    flags: tuple[ProbeFlag, ...]


def count_packets(
    container: InputContainer, stream: Any, reader: BoundedReader, limits: ProbeLimits
) -> PacketTally:
    """Walk the packets of one stream to their end, the damage or a bound.

    Args:
        container: open; the other streams are set to be discarded.
        stream: one of its streams.
        reader: what the container reads from.
        limits: bounds.

    Returns:
        What they add up to.

    Raises:
        InputError: `no_frames`.
    """
    from av.error import FFmpegError
    from av.stream import Discard

    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    walk = _Walk()
    try:
        for packet in container.demux(stream):
            if packet.size and walk.take(packet) >= limits.max_packets:
                walk.is_cut_off = True
                break
    except FFmpegError:
        walk.is_damaged = True
    except IndexError:
        # PyAV 18.1 trips at the end over streams that appeared after it opened the container.
        walk.has_late_streams = True
    walk.is_cut_off |= reader.is_spent
    if walk.count == 0:
        raise InputError("the stream holds no packet; expected at least one", reason="no_frames")
    if stream.type == "video" and not walk.is_cut_off:
        walk.is_damaged |= walk.count < stream.frames
    return walk.tally(stream.time_base)


class _Walk:
    """The state of walking over packets."""

    def __init__(self) -> None:
        self.count = 0
        self._timed = 0
        self.is_cut_off = False
        self.is_damaged = False
        self.has_late_streams = False
        self._goes_back = False
        self._last_dts: int | None = None
        self._first_pts: int | None = None
        self._last_pts: int | None = None
        self._end_pts = -(2**63)

    def take(self, packet: Any) -> int:
        """Add one packet; return how many there are."""
        self.count += 1
        if packet.dts is not None:
            self._goes_back |= self._last_dts is not None and packet.dts < self._last_dts
            self._last_dts = packet.dts
        if packet.pts is not None and not packet.is_discard:
            self._timed += 1
            self._first_pts = (
                packet.pts if self._first_pts is None else min(self._first_pts, packet.pts)
            )
            self._last_pts = (
                packet.pts if self._last_pts is None else max(self._last_pts, packet.pts)
            )
            self._end_pts = max(self._end_pts, packet.pts + (packet.duration or 0))
        return self.count

    def tally(self, time_base: Fraction | None) -> PacketTally:
        """What it adds up to; times in units of `time_base`."""
        states: tuple[tuple[bool, ProbeFlag], ...] = (
            (self._goes_back, "timestamps_go_back"),
            (self.is_damaged, "packets_missing"),
            (self.is_cut_off, "packets_cut_off"),
            (self.has_late_streams, "late_streams"),
        )
        span, rate = self._span_and_rate(time_base)
        return PacketTally(
            count=self.count,
            span=None if self.is_cut_off else span,
            rate=rate,
            flags=tuple(flag for is_set, flag in states if is_set),
        )

    def _span_and_rate(self, time_base: Fraction | None) -> tuple[Fraction | None, Fraction | None]:
        if self._first_pts is None or self._last_pts is None or not time_base:
            return None, None
        between = (self._last_pts - self._first_pts) * time_base
        span = (self._end_pts - self._first_pts) * time_base
        rate = (self._timed - 1) / between if between else None
        if rate and span <= between:
            span = between + 1 / rate
        return span or None, rate
