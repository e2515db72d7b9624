from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from mlops_assets.drift import merge_profiles, profile_columns, read_profile, vector_features
from mlops_assets.errors import InputError, ShapeError

_CHILD = """
import hashlib, numpy as np, polars as pl
from mlops_assets.drift import profile_columns
rng = np.random.default_rng(7)
frame = pl.DataFrame({"x": rng.normal(size=5000), "s": rng.choice(list("abcdefgh"), size=5000)})
payloads = b"".join(profile.payload for profile in profile_columns(frame).values())
print(hashlib.sha256(payloads).hexdigest())
"""


def _numbers(values: object) -> pl.DataFrame:
    return pl.DataFrame({"x": values}, schema={"x": pl.Float64})


def _texts(values: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"s": values}, schema={"s": pl.String})


def test_a_numeric_profile_knows_the_moments_and_quantiles_of_its_column() -> None:
    values = np.random.default_rng(0).lognormal(size=900)
    profile = profile_columns(_numbers(values), prefix="flow.")["flow.x"]
    assert (profile.feature, profile.kind) == ("flow.x", "numeric")
    assert (profile.count, profile.missing) == (900, 0)
    assert profile.mean == pytest.approx(values.mean())
    assert profile.stddev == pytest.approx(values.std(ddof=1))
    assert (profile.minimum, profile.maximum) == (values.min(), values.max())
    assert profile.quantile_25 == np.quantile(values, 0.25, method="inverted_cdf")
    assert profile.quantile_95 == np.quantile(values, 0.95, method="inverted_cdf")


def test_null_nan_and_infinite_values_are_missing() -> None:
    profile = profile_columns(_numbers([1.0, None, float("nan"), float("inf"), 3.0]))["x"]
    assert (profile.count, profile.missing, profile.mean) == (5, 3, 2.0)


@pytest.mark.parametrize(
    "frame", [_numbers([]), _numbers([None, None]), _texts([]), _texts([None])]
)
def test_a_column_without_values_has_a_profile_without_numbers(frame: pl.DataFrame) -> None:
    (profile,) = profile_columns(frame).values()
    assert profile.count == profile.missing == len(frame)
    assert profile.mean is profile.median is profile.minimum is None


def test_booleans_and_strings_are_categories_and_lists_are_refused() -> None:
    kinds = profile_columns(pl.DataFrame({"b": [True, False], "s": ["1", "2"], "i": [1, 2]}))
    assert [profile.kind for profile in kinds.values()] == ["categorical", "categorical", "numeric"]
    with pytest.raises(InputError, match="List") as caught:
        profile_columns(pl.DataFrame({"v": [[1.0]]}))
    assert caught.value.reason == "unsupported_column"


def test_equal_data_give_equal_bytes_in_any_row_order() -> None:
    frame = pl.DataFrame(
        {"x": np.random.default_rng(1).normal(size=4_000), "s": ["a", "b"] * 2_000}
    )
    forward, backward = profile_columns(frame), profile_columns(frame.reverse())
    assert forward == backward
    assert forward["x"].digest != forward["s"].digest


def test_equal_data_give_equal_bytes_in_any_process() -> None:
    rng = np.random.default_rng(7)
    frame = pl.DataFrame({"x": rng.normal(size=5000), "s": rng.choice(list("abcdefgh"), size=5000)})
    payloads = b"".join(profile.payload for profile in profile_columns(frame).values())
    child = subprocess.run(
        [sys.executable, "-c", _CHILD],
        env={**os.environ, "PYTHONHASHSEED": "4"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == hashlib.sha256(payloads).hexdigest()


def test_merged_parts_are_the_profile_of_the_whole() -> None:
    values = np.random.default_rng(2).normal(size=12_000)
    parts = [profile_columns(_numbers(part))["x"].payload for part in np.split(values, 4)]
    merged, whole = merge_profiles(parts), profile_columns(_numbers(values))["x"]
    assert (merged.count, merged.minimum, merged.maximum) == (12_000, whole.minimum, whole.maximum)
    assert merged.mean == pytest.approx(whole.mean)
    assert merged.stddev == pytest.approx(whole.stddev)
    assert (values < (merged.quantile_25 or 0)).mean() == pytest.approx(0.25, abs=0.002)
    assert merge_profiles(parts[::-1]).payload == merged.payload


def test_profiles_of_different_features_do_not_merge() -> None:
    profiles = profile_columns(pl.DataFrame({"x": [1.0], "y": [2.0]}))
    with pytest.raises(InputError, match="expected one feature"):
        merge_profiles([profile.payload for profile in profiles.values()])
    with pytest.raises(InputError, match="no profiles"):
        merge_profiles([])


def test_a_payload_is_an_ordinary_whylogs_profile() -> None:
    from whylogs.core import DatasetProfileView

    payload = profile_columns(_numbers([1.0, 2.0, 3.0]))["x"].payload
    column = DatasetProfileView.deserialize(payload).get_column("x")
    assert column is not None
    assert column.to_summary_dict()["distribution/mean"] == 2.0


def test_damaged_bytes_are_an_input_error_or_still_a_profile() -> None:
    rng = np.random.default_rng(3)
    payload = profile_columns(_numbers(rng.normal(size=50)))["x"].payload
    refused = 0
    for cut in rng.integers(0, len(payload), 100):
        damaged = bytearray(payload[: cut or 1] if cut % 2 else payload)
        damaged[int(cut) % len(damaged)] ^= 0xFF
        try:
            read_profile(bytes(damaged))
        except InputError as err:
            refused += err.reason == "damaged_profile"
    assert refused > 30


def test_projections_are_fixed_for_ever() -> None:
    features = vector_features(np.eye(3, dtype=np.float32), projections=2, seed=0)
    assert list(features) == ["norm", "projection_0", "projection_1"]
    assert features["norm"].tolist() == [1.0, 1.0, 1.0]
    signs = np.sign(np.stack([features["projection_0"], features["projection_1"]])).astype(int)
    assert signs.tolist() == [[-1, 1, -1], [-1, 1, 1]]
    assert np.abs(features["projection_0"]) == pytest.approx(3**-0.5)


def test_projections_of_no_vectors_are_empty_and_of_nan_are_nan() -> None:
    assert vector_features(np.empty((0, 5), dtype=np.float32))["projection_3"].shape == (0,)
    assert np.isnan(vector_features(np.full((1, 2), np.nan, dtype=np.float32))["norm"][0])
    with pytest.raises(ShapeError, match=r"\(N, D\)"):
        vector_features(np.zeros(3, dtype=np.float32))
