"""Which files of a folder are a pair of pictures and its true flow, however the data set lies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlops_assets.errors import InputError
from mlops_assets.flow.evaluation.data_sets.folders import (
    Folder,
    files_in,
    folder_at,
    folders_below,
    folders_in,
)

Layout = Literal["middlebury", "sintel", "kitti", "flyingchairs"]

_EXPECTED = (
    "expected frame10.png, frame11.png and flow10.flo in one folder (Middlebury), clean/ or final/ "
    "beside flow/ (Sintel), image_2/ or image_0/ beside flow_occ/ or flow_noc/ (KITTI), or "
    "*_img1.ppm, *_img2.ppm and *_flow.flo (FlyingChairs)"
)
_MIDDLEBURY_TRUTH = "flow10.flo"
_SINTEL_PASSES = ("clean", "final")
_SINTEL_FRAME = re.compile(r"(?:.*\D)?(\d+)")
_KITTI_CAMERAS = ("image_2", "colored_0", "image_0")
"""The left camera, in colour first; the right one has no truth."""
_KITTI_TRUTHS = ("flow_occ", "flow_noc")
_KITTI_FIRST = re.compile(r"(.+)_10")
_CHAIRS = (
    ("_img1", "_img2", "_flow.flo", "_occ1.png"),
    ("-img_0", "-img_1", "-flow_01.flo", "-occ_01.png"),
)
"""Ends of names in FlyingChairs (and FlyingChairsOcc), and in FlyingChairs2: first, second, truth,
occluded."""


@dataclass(frozen=True)
class PairFiles:
    """The files of one pair. What a data set does not have is None.

    Attributes:
        name: path within the folder looked through, without extension; unique there.
        layout: of the data set.
        first: the picture the flow starts from.
        second: the next one; None when it is missing.
        truth: true flow; None when it is missing.
        expected_truth: where the truth was looked for.
        visible_truth: true flow of what the second picture shows too (KITTI's `flow_noc`).
        occluded: mask of what the second picture does not show (Sintel, FlyingChairs2).
        invalid: mask of what is not to be judged (Sintel).
        following: the pair that starts from `second`, where a sequence goes on.
    """

    name: str
    layout: Layout
    first: Path
    second: Path | None
    truth: Path | None
    expected_truth: Path
    visible_truth: Path | None = None
    occluded: Path | None = None
    invalid: Path | None = None
    following: PairFiles | None = field(default=None, repr=False)


@dataclass(frozen=True)
class FoundPairs:
    """What a folder holds.

    Attributes:
        pairs: in order of their names, at least one.
        without_truth: folders with pictures of a known layout and no truth at all, as the test
            halves of Sintel and KITTI are; paths within the folder.
    """

    pairs: tuple[PairFiles, ...]
    without_truth: tuple[str, ...]


class _NoTruthHere(Exception):  # noqa: N818 - told as a list, never seen outside
    """A folder's pictures are of a known layout, and no truth comes with any of them."""


def find_pairs(folder: Path) -> FoundPairs:
    """Every pair of pictures with true flow in a folder and below.

    Layouts are found by themselves and may be mixed; names are compared without regard to case.

    - Middlebury: `frame10.png`, `frame11.png`, `flow10.flo` in one folder a pair, or the truth in
      `other-gt-flow/<pair>/` beside the folder of the pictures' folders, as it is published.
    - Sintel: `clean/` and `final/` beside `flow/`, each with a folder a scene, or none;
      `occlusions/` and `invalid/` are used when they are there.
    - KITTI 2012 and 2015: `image_2/`, `colored_0/` or `image_0/` (`*_10.png`, `*_11.png`) beside
      `flow_occ/` and `flow_noc/`.
    - FlyingChairs: `*_img1.ppm`, `*_img2.ppm`, `*_flow.flo`; FlyingChairs2: `*-img_0.png`,
      `*-img_1.png`, `*-flow_01.flo`, `*-occ_01.png`.

    A missing second picture, or a missing truth where other pairs have theirs, leaves a pair that
    says so when it is read. Of Sintel's sequences only pictures with truth count.

    Args:
        folder: a data set, a folder of data sets, or any folder inside one. Links are followed.

    Raises:
        InputError: `no_pairs`: there is none; `not_found`: there is no such folder.
        ConfigurationError: a folder may not be read.
    """
    top = folder.resolve()
    if not top.is_dir():
        raise InputError(f"there is no folder {folder}", reason="not_found")
    pairs: list[PairFiles] = []
    without_truth: list[str] = []
    for path in folders_below(top):
        here = Folder(path, top)
        for pairs_in in (_middlebury, _sintel, _kitti, _flying_chairs):
            try:
                pairs += pairs_in(here)
            except _NoTruthHere:
                without_truth.append(here.name)
    if not pairs:
        known = f"pictures without true flow: {', '.join(without_truth)}" if without_truth else ""
        raise InputError(
            f"no pair with true flow in {folder}; {known or _EXPECTED}", reason="no_pairs"
        )
    return FoundPairs(tuple(sorted(pairs, key=lambda pair: pair.name)), tuple(without_truth))


def _middlebury(here: Folder) -> Iterator[PairFiles]:
    first = here.picture("frame10")
    if first is None:
        return
    published = folder_at(here.path.parent.parent, "other-gt-flow", here.path.name)
    yield PairFiles(
        name=here.name,
        layout="middlebury",
        first=first,
        second=here.picture("frame11"),
        truth=(files_in(published) | here.files).get(_MIDDLEBURY_TRUTH),
        expected_truth=here.path / _MIDDLEBURY_TRUTH,
    )


def _sintel(here: Folder) -> Iterator[PairFiles]:
    render = next(
        (p for p in (here.path, here.path.parent) if p.name.lower() in _SINTEL_PASSES), None
    )
    if render is None:
        return
    pictures = {int(match[1]): path for match, path in here.pictures(_SINTEL_FRAME)}
    scene = here.path.relative_to(render).parts
    truths, occluded, invalid = (
        files_in(folder_at(render.parent, name, *scene))
        for name in ("flow", "occlusions", "invalid")
    )
    if pictures and not truths:
        raise _NoTruthHere
    following: dict[int, PairFiles] = {}
    for number, first in sorted(pictures.items(), reverse=True):
        truth = truths.get(f"{first.stem}.flo".lower())
        if truth is None:
            continue
        mask = f"{first.stem}.png".lower()
        following[number] = PairFiles(
            name=here.named(first.stem),
            layout="sintel",
            first=first,
            second=pictures.get(number + 1),
            truth=truth,
            expected_truth=truth,
            occluded=occluded.get(mask),
            invalid=invalid.get(mask),
            following=following.get(number + 1),
        )
    yield from following.values()


def _kitti(here: Folder) -> Iterator[PairFiles]:
    if here.path.name.lower() not in _KITTI_CAMERAS:
        return
    beside = folders_in(here.path.parent)
    best = next(name for name in _KITTI_CAMERAS if name in beside)
    pictures = list(here.pictures(_KITTI_FIRST))
    if best != here.path.name.lower() and here.path != here.top:
        return
    truths = [files_in(beside[name]) for name in _KITTI_TRUTHS if name in beside]
    if pictures and not any(truths):
        raise _NoTruthHere
    for match, first in pictures:
        known = [found for one in truths if (found := one.get(f"{first.stem}.png".lower()))]
        yield PairFiles(
            name=here.named(first.stem, above=here.path.parent),
            layout="kitti",
            first=first,
            second=here.picture(f"{match[1]}_11"),
            truth=known[0] if known else None,
            expected_truth=here.path.parent / _KITTI_TRUTHS[0] / f"{first.stem}.png",
            visible_truth=known[1] if len(known) > 1 else None,
        )


def _flying_chairs(here: Folder) -> Iterator[PairFiles]:
    for first_end, second_end, truth_end, occluded_end in _CHAIRS:
        for match, first in here.pictures(re.compile(f"(.+){first_end}", re.IGNORECASE)):
            truth = here.path / f"{match[1]}{truth_end}"
            yield PairFiles(
                name=here.named(match[1]),
                layout="flyingchairs",
                first=first,
                second=here.picture(f"{match[1]}{second_end}"),
                truth=here.files.get(truth.name.lower()),
                expected_truth=truth,
                occluded=here.files.get(f"{match[1]}{occluded_end}".lower()),
            )
