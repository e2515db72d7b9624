"""Exact time: when each frame is shown, and which frames a sampling wants."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol, TypeVar

_BACKWARD_JUMP_S = 1
_SUCCESSOR_TOLERANCE_S = Fraction(1, 1000)
_LOOKAHEAD = 48


@dataclass(slots=True)
class FrameClock:
    """Turns the time stamps of frames, in display order, into ticks since the first frame.

    The result strictly increases whatever the file says: a missing stamp continues at the usual
    distance, a small step back is put one tick behind the frame before, a large one (a
    recording that starts again) continues from there.

    Args:
        time_base: seconds per tick.
        step: ticks assumed between frames where the file does not say.
    """

    time_base: Fraction
    step: int
    last: int = -1
    repaired: int = 0
    origin: int | None = None

    def ticks(self, pts: int | None) -> int:
        """Ticks since the first frame of the next frame; 0 for the first, increasing."""
        if self.origin is None:
            self.origin = 0 if pts is None else pts
            self.last = 0
            return 0
        now = self.last + self.step if pts is None else pts - self.origin
        if now <= self.last:
            now = self._repair(now)
        self.last = now
        return now

    def _repair(self, now: int) -> int:
        self.repaired += 1
        back = self.last - now
        if back * self.time_base < _BACKWARD_JUMP_S or self.origin is None:
            return self.last + 1
        self.origin -= back + self.step
        return self.last + self.step


@dataclass(slots=True)
class SamplingGrid:
    """Decides, frame by frame in display order, what a sampling by rate takes.

    Args:
        rate: samples per second, exact.
        gap: seconds to the successor, exact.
        time_base: seconds per tick.
    """

    rate: Fraction
    gap: Fraction
    time_base: Fraction
    _next: int = 0
    _instants: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        # instants of the grid per tick; plain integers, since this runs for every frame
        self._instants = (self.rate * self.time_base).as_integer_ratio()

    def takes(self, ticks: int) -> bool:
        """Whether this frame is the first at or after the next instant `k / rate`."""
        reached = ticks * self._instants[0] // self._instants[1]
        if reached < self._next:
            return False
        self._next = reached + 1
        return True

    @property
    def gap_ticks(self) -> int:
        """Least ticks to a successor.

        Both time stamps are rounded to ticks, so one tick less is accepted where a tick is short
        (at most 1 ms): at 30 frames a second in milliseconds, 33 -> 99 is two frames.
        """
        tolerance = min(self.time_base, _SUCCESSOR_TOLERANCE_S)
        return max(1, math.ceil((self.gap - tolerance) / self.time_base))


class TimedPacket(Protocol):
    """What the plan needs to know of a packet."""

    @property
    def pts(self) -> int | None:
        """Time stamp of the frame inside, in ticks."""
        ...

    @property
    def is_discard(self) -> bool:
        """Whether the container says not to show the frame."""
        ...


PacketT = TypeVar("PacketT", bound=TimedPacket)


@dataclass(slots=True)
class SkipPlan:
    """Says of each packet whether a sample or a successor needs the frame inside.

    Packets come in decoding order; a look-ahead of 48 packets (formats reorder by at most 16)
    gives the display order, so the answer is exact. As soon as a packet has no time stamp, stamps
    are not in order, or `stop` is called, every later packet is wanted.

    Args:
        grid: a fresh grid of the sampling, used up by the plan.
        with_successors: whether successors are wanted too.
    """

    grid: SamplingGrid
    with_successors: bool
    origin: int | None = None
    stopped: bool = False
    _times: list[int] = field(default_factory=list)
    _last: int | None = None
    _targets: deque[int] = field(default_factory=deque)
    _wanted: set[int] = field(default_factory=set)

    def stop(self) -> None:
        """Skip nothing from here on."""
        self.stopped = True

    def judge(self, packets: Iterable[PacketT]) -> Iterator[tuple[PacketT, bool]]:
        """Pass packets on in their order, each with whether its frame is wanted."""
        waiting: deque[PacketT] = deque()
        for packet in packets:
            self._read(packet)
            waiting.append(packet)
            if self.stopped or len(waiting) > _LOOKAHEAD:
                yield waiting[0], self._is_wanted(waiting.popleft())
        for packet in waiting:
            yield packet, self._is_wanted(packet)

    def _read(self, packet: TimedPacket) -> None:
        if packet.is_discard:
            return
        if packet.pts is None or (self._last is not None and packet.pts <= self._last):
            self.stop()
            return
        heapq.heappush(self._times, packet.pts)

    def _is_wanted(self, packet: TimedPacket) -> bool:
        if self.stopped or packet.pts is None or packet.is_discard:
            return True
        while self._times and self._times[0] <= packet.pts:
            self._plan(heapq.heappop(self._times))
        wanted = packet.pts in self._wanted
        self._wanted.discard(packet.pts)
        return wanted

    def _plan(self, pts: int) -> None:
        if self.origin is None:
            self.origin = pts
        self._last = pts
        ticks = pts - self.origin
        if self.grid.takes(ticks):
            self._wanted.add(pts)
            if self.with_successors:
                self._targets.append(ticks + self.grid.gap_ticks)
        while self._targets and self._targets[0] <= ticks:
            self._targets.popleft()
            self._wanted.add(pts)
