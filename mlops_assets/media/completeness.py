"""Signs that a video file is not all there, for containers whose index does not tell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HEAD_BYTES = 4096
_SEGMENT = b"\x18\x53\x80\x67"
_REGULAR_SHARE = 0.95
_GAP_MIN_FRAMES = 3


def missing_share(path: Path) -> float:
    """Share of a Matroska, WebM or AVI file that was cut off at its end.

    Args:
        path: the file; its first bytes state how long it should be.

    Returns:
        0 to 1; 0 for a whole file, another container, or one that states no length (live
        recordings).
    """
    with path.open("rb") as file:
        declared = declared_size(file.read(_HEAD_BYTES))
    present = path.stat().st_size
    if declared is None or declared <= present:
        return 0.0
    return 1 - present / declared


def declared_size(head: bytes) -> int | None:
    """Size in bytes a RIFF or Matroska file says it has; `None` where it does not say.

    Args:
        head: the first bytes of the file, 4096 are enough.

    Reference: RFC 8794, section 4 (variable-size integers), RFC 9559, section 5.1 (Segment).
    """
    if head[:4] == b"RIFF" and len(head) >= 8:
        return 8 + int.from_bytes(head[4:8], "little")
    at = head.find(_SEGMENT) + len(_SEGMENT)
    if head[:4] != b"\x1a\x45\xdf\xa3" or at < len(_SEGMENT) or at >= len(head) or not head[at]:
        return None
    length = 9 - head[at].bit_length()
    bits = 7 * length
    size = int.from_bytes(head[at : at + length], "big") & ((1 << bits) - 1)
    is_unknown = size == (1 << bits) - 1
    return None if is_unknown or at + length > len(head) else at + length + size


@dataclass(slots=True)
class GapCounter:
    """Counts the frames that fell out of an otherwise regular stream.

    A demuxer that loses its place drops packets without a word; what remains is a hole in time.
    A stream whose distances vary anyway (variable frame rate) shows nothing this way.

    Args:
        step: usual ticks between two frames.
    """

    step: int
    regular: int = 0
    irregular: int = 0
    holes: int = 0

    def see(self, ticks: int) -> None:
        """Take the distance between two frames, in ticks, > 0."""
        if 2 * ticks <= 3 * self.step:
            self.regular += 1
            return
        self.irregular += 1
        self.holes += ticks // self.step - 1

    @property
    def missing(self) -> int:
        """Frames missing, 0 where the stream is not regular or next to nothing is missing."""
        is_regular = self.regular >= _REGULAR_SHARE * (self.regular + self.irregular)
        return self.holes if is_regular and self.holes >= _GAP_MIN_FRAMES else 0
