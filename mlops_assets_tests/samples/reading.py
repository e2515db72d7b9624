"""Reads sample media back with the libraries themselves, salvaging packet by packet."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def decode(path: Path) -> tuple[list[NDArray[np.uint8]], list[Fraction], int]:
    """Upright pictures, their times in seconds, and the number of packets that do not decode."""
    import av
    from av.error import FFmpegError

    pictures, times, lost = [], [], 0
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            try:
                frames = packet.decode()
            except FFmpegError:
                lost += 1
                continue
            for frame in frames:
                assert isinstance(frame, av.VideoFrame)
                assert frame.pts is not None
                assert frame.time_base is not None
                picture = frame.to_ndarray(format="rgb24")
                pictures.append(np.rot90(picture, frame.rotation // 90))
                times.append(frame.pts * frame.time_base)
    return pictures, times, lost


def object_centre(picture: NDArray[np.uint8], backdrop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(x, y) of the centre of what differs from the backdrop, below the frame number."""
    change = np.abs(picture.astype(float) - backdrop.astype(float)).mean(axis=2)
    change[:4] = 0
    rows, columns = np.nonzero(change > 25)
    return np.array([columns.mean(), rows.mean()])
