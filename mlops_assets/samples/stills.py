"""Still pictures of the same scenes, with an EXIF time where one is asked for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mlops_assets.samples.scenes import Scene, SceneLabel, draw_scene

_EXIF_IFD, _DATE_TIME_ORIGINAL = 0x8769, 0x9003
_JPEG_QUALITY = 88


def render_still(
    path: Path,
    *,
    label: SceneLabel = "vehicle",
    size: tuple[int, int] = (320, 240),
    seed: int = 0,
    frame_number: int = 0,
    taken_at: datetime | None = None,
) -> Scene:
    """Render one picture with the object in its middle.

    Args:
        path: file to write; its suffix chooses the format (`.jpg`, `.png`, `.webp`, `.tif`).
        label: what it shows.
        size: (width, height) in px, at least 64 x 4.
        seed: texture, framing and noise.
        frame_number: 0 to 65535, in the pixels of the top left corner.
        taken_at: written as EXIF `DateTimeOriginal` (JPEG only), local time without offset.

    Returns:
        The scene that was drawn. The same call writes the same bytes.

    Raises:
        ShapeError: the size has no room for the frame number.
    """
    scene = Scene(label=label, size=size, centre=(size[0] / 2, size[1] / 2), seed=seed)
    save_still(path, scene, frame_number=frame_number, taken_at=taken_at)
    return scene


def save_still(
    path: Path, scene: Scene, *, frame_number: int = 0, taken_at: datetime | None = None
) -> None:
    """Draw a scene and store it as one picture.

    Args:
        path: file to write; its suffix chooses the format.
        scene: what to draw.
        frame_number: which instant of the scene, 0 to 65535.
        taken_at: written as EXIF `DateTimeOriginal` (JPEG only); its offset is not stored.

    Raises:
        ShapeError: the size has no room for the frame number.
    """
    from PIL import Image

    picture = Image.fromarray(draw_scene(scene, frame_number))
    exif = b"" if taken_at is None else _exif_time(taken_at)
    picture.save(path, quality=_JPEG_QUALITY, compress_level=1, exif=exif)


def _exif_time(taken_at: datetime) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif.get_ifd(_EXIF_IFD)[_DATE_TIME_ORIGINAL] = f"{taken_at:%Y:%m:%d %H:%M:%S}"
    return exif.tobytes()
