"""Video clips whose frame number, times, motion and cuts are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.samples.scenes import Scene, draw_scene

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_UNEVEN_TICKS = (1, 2, 1, 3, 1, 1, 2)
_SHOT_BACKDROPS = ("north-gate", "loading-dock", "car-park", "side-street")
_OPTIONS = {"libx264": {"preset": "ultrafast", "crf": "25"}}
_PIXEL_FORMATS = {"mjpeg": "yuvj420p"}
_KEY_FRAME_EVERY = 12
_BITS_PER_SECOND = 3_000_000


@dataclass(frozen=True)
class ClipTruth:
    """What a rendered clip holds, exactly.

    Attributes:
        frame_count: pictures, numbered from 0 in their pixels.
        times_s: exact time of each picture after the first one, in seconds.
        duration_s: until the last picture ends, in seconds.
        motion_px_per_frame: (dx, dy) of the object: columns to the right, rows down.
        shot_starts_s: exact time of the first picture of each shot; the first is 0.
    """

    frame_count: int
    times_s: tuple[Fraction, ...]
    duration_s: Fraction
    motion_px_per_frame: tuple[float, float]
    shot_starts_s: tuple[Fraction, ...]


@dataclass(frozen=True)
class ClipOptions:
    """How a clip is stored.

    Attributes:
        rate: pictures per second; with a variable rate, ticks per second.
        codec: name of an encoder: `libx264`, `mpeg4`, `mjpeg`, `ffv1`, `libvpx-vp9`.
        variable_rate: pictures last 1 to 3 ticks instead of one.
        rotation_deg: 0, 90, 180 or 270, counter-clockwise, which a player applies to the stored
            picture (the convention of PyAV's `VideoFrame.rotation`). The picture is stored turned
            the other way, so the upright picture is the one that was given.
        created_at: written as the container's creation time; aware.
    """

    rate: Fraction = Fraction(12)
    codec: str = "libx264"
    variable_rate: bool = False
    rotation_deg: int = 0
    created_at: datetime | None = None


def render_clip(  # noqa: PLR0913 - one flat call for the tests of every room
    path: Path,
    *,
    frames: int = 30,
    size: tuple[int, int] = (320, 240),
    rate: Fraction = Fraction(12),
    motion: tuple[float, float] = (2.0, 0.0),
    seed: int = 0,
    codec: str = "libx264",
    variable_rate: bool = False,
    rotation_deg: int = 0,
    cuts: Sequence[int] = (),
) -> ClipTruth:
    """Render a clip of one textured rectangle that moves over a still backdrop.

    The object passes the centre of the picture half-way through the clip and may leave it.
    The frame number is in the pixels of every picture: `read_frame_number`.

    Args:
        path: file to write; its suffix chooses the container. An existing file is replaced.
        frames: number of pictures, 1 to 65536.
        size: (width, height) of the upright picture in px; even, at least 64 wide.
        rate: pictures per second (ticks per second with a variable rate).
        motion: (dx, dy) of the object in px per frame: columns to the right, rows down.
        seed: texture, framing and noise.
        codec: name of an encoder, see `ClipOptions`.
        variable_rate: make the times of the pictures uneven.
        rotation_deg: rotation a player applies, see `ClipOptions`.
        cuts: frame numbers at which the backdrop changes; increasing, inside the clip.

    Returns:
        The clip's truth. The same call writes the same bytes.

    Raises:
        ShapeError: no pictures, an odd or too small size, or a rotation by no quarter turns.
        InputError: the codec is no video encoder.
    """
    half = (frames - 1) / 2
    centre = (size[0] / 2 - motion[0] * half, size[1] / 2 - motion[1] * half)
    scene = Scene(size=size, centre=centre, motion=motion, seed=seed)
    options = ClipOptions(rate, codec, variable_rate, rotation_deg)
    return encode_clip(path, scene_shots(scene, frames, cuts), options=options, cuts=cuts)


def scene_shots(
    scene: Scene, frames: int, cuts: Sequence[int], *, backdrops: Sequence[str] = _SHOT_BACKDROPS
) -> Iterable[tuple[Scene, int]]:
    """The scene of each picture: at each cut the place changes, the object moves on.

    Args:
        scene: the first shot.
        frames: number of pictures.
        cuts: frame numbers at which a shot begins.
        backdrops: places to go through; the scene's own is skipped.

    Yields:
        (scene, frame number) for each picture in order.
    """
    places = [scene.backdrop, *(name for name in backdrops if name != scene.backdrop)]
    for number in range(frames):
        shot = sum(number >= cut for cut in cuts)
        yield replace(scene, backdrop=places[shot % len(places)]), number


def encode_clip(
    path: Path,
    shots: Iterable[tuple[Scene, int]],
    *,
    options: ClipOptions | None = None,
    cuts: Sequence[int] = (),
) -> ClipTruth:
    """Draw and encode one picture after the other, on one thread.

    Args:
        path: file to write; its suffix chooses the container.
        shots: the scene and number of each picture; see `scene_shots`.
        options: rate, codec, rotation; the defaults when None.
        cuts: frame numbers at which a shot begins, for the truth only.

    Returns:
        The clip's truth.

    Raises:
        ShapeError: no pictures, an odd size, or a rotation by no quarter turns.
        InputError: the codec is no video encoder.
    """
    chosen = options or ClipOptions()
    pictures = list(shots)
    if not pictures:
        raise ShapeError("the clip has 0 frames; expected at least 1")
    _check_layout(pictures[0][0].size, chosen.rotation_deg)
    ends = tuple(accumulate(_ticks(len(pictures), variable=chosen.variable_rate)))
    starts = (0, *ends[:-1])
    _write(path, pictures, starts, chosen)
    times = tuple(Fraction(start) / chosen.rate for start in starts)
    return ClipTruth(
        frame_count=len(pictures),
        times_s=times,
        duration_s=Fraction(ends[-1]) / chosen.rate,
        motion_px_per_frame=pictures[0][0].motion,
        shot_starts_s=(Fraction(0), *(times[cut] for cut in cuts)),
    )


def _check_layout(size: tuple[int, int], rotation_deg: int) -> None:
    if size[0] % 2 or size[1] % 2:
        raise ShapeError(f"clip size is {size}; expected even numbers, for 4:2:0 chroma")
    if rotation_deg % 90:
        raise ShapeError(f"rotation is {rotation_deg} degrees; expected 0, 90, 180 or 270")


def _ticks(frames: int, *, variable: bool) -> list[int]:
    """How long each picture is shown. The last two are equal: MP4 stores no last duration."""
    if not variable:
        return [1] * frames
    ticks = [_UNEVEN_TICKS[number % len(_UNEVEN_TICKS)] for number in range(frames)]
    return [*ticks[:-1], *ticks[-2:-1]] if frames > 1 else [1]


def _write(
    path: Path, pictures: list[tuple[Scene, int]], starts: Sequence[int], options: ClipOptions
) -> None:
    import av

    turns = -(options.rotation_deg // 90)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        if options.created_at is not None:
            at = options.created_at.astimezone(UTC)
            container.metadata["creation_time"] = f"{at:%Y-%m-%dT%H:%M:%S.000000Z}"
        stream = _add_stream(container, options, _stored_size(pictures[0][0].size, turns))
        for (scene, number), start in zip(pictures, starts, strict=True):
            upright = draw_scene(scene, number)
            frame = av.VideoFrame.from_ndarray(_turned(upright, turns), format="rgb24")
            frame.pts, frame.time_base = start, 1 / options.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _add_stream(
    container: OutputContainer, options: ClipOptions, size: tuple[int, int]
) -> VideoStream:
    _require_video_encoder(options.codec)
    stream = cast("VideoStream", container.add_stream(options.codec, rate=options.rate))
    stream.width, stream.height = size
    stream.pix_fmt = _PIXEL_FORMATS.get(options.codec, "yuv420p")
    context = stream.codec_context
    context.time_base = 1 / options.rate
    context.gop_size = _KEY_FRAME_EVERY
    context.thread_count = 1
    context.options = _OPTIONS.get(options.codec, {})
    if options.codec not in _OPTIONS:
        context.bit_rate = _BITS_PER_SECOND
    if options.rotation_deg:
        stream.set_display_rotation(options.rotation_deg)
    return stream


def _require_video_encoder(codec: str) -> None:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        kind = Codec(codec, "w").type
    except UnknownCodecError as err:
        raise InputError(f"there is no encoder {codec!r}", reason="no_video_encoder") from err
    if kind != "video":
        raise InputError(f"{codec!r} encodes {kind}; expected video", reason="no_video_encoder")


def _stored_size(size: tuple[int, int], turns: int) -> tuple[int, int]:
    return (size[1], size[0]) if turns % 2 else size


def _turned(picture: NDArray[np.uint8], turns: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(picture, turns))
