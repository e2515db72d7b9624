"""Three questions about a pair, answered yes, no, or not known: cut, duplicate, trusted."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_assets.flow.describing.statistics import FlowStatistics

UNTRUSTED_FAIL_SHARE = 0.1
"""Of pixels that fail the round trip: above it the pair is not trusted."""

CUT_FAIL_SHARE = 0.5
CUT_PHOTO_MAE = 25.0
"""Above one of them, where the second picture is explained poorly, the two show different scenes.
Smooth flow survives the round trip even across some cuts, and then the gray levels tell."""

CUT_LEAST_CENSUS_MAE = 0.05
"""Below it only the light changed, as in a fade: 0.02 to 0.03 there, 0.08 and more across cuts."""

POOR_PHOTO_MAE = 8.0
"""Gray levels: above it the flow explains the second picture poorly. On 73 pairs of six real clips
the most was 8.03, 17 in a fade, and on 54 pairs joined of two clips the least 30."""

POOR_CENSUS_MAE = 0.3
"""The same of neighbour relations, which a change of light leaves alone."""

POOR_TIMES_USUAL = 5.0
POOR_LEAST_PHOTO_MAE = 2.0
"""Or this many times what is usual in the clip, and more than two codings of one picture differ."""

DUPLICATE_MEAN_PX = 0.01
DUPLICATE_PHOTO_MAE = 0.1
"""Below both the second picture is the first again."""


@dataclass(frozen=True)
class Flags:
    """What not to test drift on.

    Attributes:
        is_cut: the two pictures show different scenes, or the view jumped; a fade is none. None
            when they may and no backward flow was solved.
        is_duplicate: the second picture is the first again. Two codings of one picture by JPEG may
            differ by more than this allows.
        is_trusted: whether the flow can be believed, from the round trip; None without one.
    """

    is_cut: bool | None
    is_duplicate: bool
    is_trusted: bool | None


def looks_wrong(statistics: FlowStatistics, *, usual_photo_mae: float | None = None) -> bool:
    """Whether the flow explains the second picture so poorly that it should be solved backward too.

    Args:
        statistics: of the pair, with or without the round trip.
        usual_photo_mae: the median of the clip, where there is one.
    """
    photo, census = statistics.photo_mae, statistics.census_mae
    if photo is None:
        return True
    unusual = POOR_TIMES_USUAL * usual_photo_mae if usual_photo_mae is not None else POOR_PHOTO_MAE
    limit = min(POOR_PHOTO_MAE, max(unusual, POOR_LEAST_PHOTO_MAE))
    return photo > limit or (census is not None and census > POOR_CENSUS_MAE)


def flags_of(statistics: FlowStatistics, *, usual_photo_mae: float | None = None) -> Flags:
    """Judge one pair by its own numbers.

    Args:
        statistics: of the pair.
        usual_photo_mae: as `looks_wrong`.

    Returns:
        The flags. A pair that looks right is no cut; without a round trip it is neither trusted nor
        not, unless it is a duplicate.
    """
    fails = statistics.fb_fail_share
    is_duplicate = (
        statistics.mean_px < DUPLICATE_MEAN_PX
        and statistics.photo_mae is not None
        and statistics.photo_mae < DUPLICATE_PHOTO_MAE
    )
    unchecked = True if is_duplicate else None
    return Flags(
        is_cut=_is_cut(statistics, usual_photo_mae),
        is_duplicate=is_duplicate,
        is_trusted=unchecked if fails is None else fails <= UNTRUSTED_FAIL_SHARE,
    )


def _is_cut(statistics: FlowStatistics, usual_photo_mae: float | None) -> bool | None:
    census, fails = statistics.census_mae, statistics.fb_fail_share
    is_fade = census is not None and census < CUT_LEAST_CENSUS_MAE
    if is_fade or not looks_wrong(statistics, usual_photo_mae=usual_photo_mae):
        return False
    if statistics.photo_mae is not None and statistics.photo_mae > CUT_PHOTO_MAE:
        return True
    return None if fails is None else fails > CUT_FAIL_SHARE
