"""Small data sets of known motion, written as the published ones lie on disk."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mlops_assets.flow import write_flo
from mlops_assets.flow.formats.kitti import write_kitti
from mlops_assets_tests.flow.scenes import translated_pair, uniform_flow

HEIGHT, WIDTH = 48, 64
MOTION = (2.0, -1.0)


def pictures(count=2, *, motion=MOTION):
    """Frames of one clip, each a step further."""
    pairs = [translated_pair(HEIGHT, WIDTH, *np.multiply(step, motion)) for step in range(1, count)]
    return [pairs[0][0], *(second for _, second in pairs)]


def truth():
    return uniform_flow(HEIGHT, WIDTH, *MOTION)


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def middlebury(folder):
    first, second = pictures()
    save(folder / "frame10.png", first)
    save(folder / "frame11.png", second)
    write(folder / "flow10.flo", write_flo(truth()))
    return folder


def sintel(root, *, frames=3, passes=("clean", "final"), scene="alley_1"):
    """Frames 1 to `frames`; the right quarter of the picture is occluded."""
    occluded = np.zeros((HEIGHT, WIDTH), np.uint8)
    occluded[:, -WIDTH // 4 :] = 255
    for number, picture in enumerate(pictures(frames), start=1):
        name = f"frame_{number:04}"
        for one in passes:
            save(root / one / scene / f"{name}.png", picture)
        if number < frames:
            write(root / "flow" / scene / f"{name}.flo", write_flo(truth()))
            save(root / "occlusions" / scene / f"{name}.png", occluded)
    return root


def kitti(root, *, camera="image_2", numbers=(0, 7)):
    """The upper half of the truth is unknown, the left column of the rest is not visible."""
    for number in numbers:
        first, second = pictures()
        save(root / camera / f"{number:06}_10.png", first)
        save(root / camera / f"{number:06}_11.png", second)
        known = truth()
        known[:, : HEIGHT // 2] = np.nan
        write(root / "flow_occ" / f"{number:06}_10.png", write_kitti(known))
        known[:, :, 0] = np.nan
        write(root / "flow_noc" / f"{number:06}_10.png", write_kitti(known))
    return root


def flying_chairs(root):
    first, second = pictures()
    save(root / "00001_img1.ppm", np.stack([first] * 3, axis=-1))
    save(root / "00001_img2.ppm", np.stack([second] * 3, axis=-1))
    write(root / "00001_flow.flo", write_flo(truth()))
    return root
