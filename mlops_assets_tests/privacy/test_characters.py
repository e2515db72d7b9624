import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.privacy.characters import most_characters


def _bars(count: int, *, height: int, ground: int = 220, ink: int = 30) -> np.ndarray:
    """Upright bars in a row, half as wide as high, on an empty ground."""
    luma = np.full((2 * height, (count + 1) * height), ground, dtype=np.uint8)
    for at in range(count):
        left = height // 2 + at * height
        luma[height // 2 : height // 2 + height, left : left + height // 3] = ink
    return luma


@pytest.mark.parametrize(("ground", "ink"), [(220, 30), (30, 220)])
@pytest.mark.parametrize("height", [8, 20, 60])
@settings(max_examples=7, deadline=None)
@given(count=st.integers(3, 9))
def test_bars_of_one_height_in_a_row_are_counted(
    ground: int, ink: int, height: int, count: int
) -> None:
    assert most_characters(_bars(count, height=height, ground=ground, ink=ink)) == count


def test_bars_of_other_heights_or_rows_do_not_count() -> None:
    luma = _bars(6, height=24)
    luma[22:, 36:44] = 220  # shorter
    luma[:, 84:108] = np.roll(luma[:, 84:108], 10, axis=0)  # lower
    assert most_characters(luma) == 4


@pytest.mark.parametrize("shape", [(0, 0), (3, 90), (90, 3), (4, 4), (48, 200)])
def test_an_empty_or_tiny_part_has_none(shape: tuple[int, int]) -> None:
    assert most_characters(np.full(shape, 99, dtype=np.uint8)) == 0
