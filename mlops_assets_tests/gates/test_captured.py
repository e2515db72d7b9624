"""When a file was captured: clocks without a zone, and times in names as a source writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PIL import Image

from mlops_assets.errors import ConfigurationError
from mlops_assets.gates import Admission, Clock, Limits, admit, captured_at_from_name

FILE_TIME = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TEN_PAST_NINE_UTC = datetime(2026, 11, 5, 9, 10, tzinfo=UTC)
BERLIN = Clock(ahead_s=3600)


def photo(path, offset=None):
    exif = Image.Exif()
    exif.get_ifd(34665)[36867] = "2026:11:05 10:10:00"
    if offset:
        exif.get_ifd(34665)[36881] = offset
    Image.new("RGB", (9, 6)).save(path, "JPEG", exif=exif)
    return path


def admitted(path, name="a.jpg", clock=BERLIN, sidecar=None) -> Admission:
    return admit(
        path, name=name, sidecar=sidecar, modified_at=FILE_TIME, limits=Limits(), clock=clock
    )


def test_a_camera_without_a_zone_is_read_by_the_clock_of_its_source(tmp_path):
    found = admitted(photo(tmp_path / "a"))
    assert (found.captured_at, found.has_zone) == (TEN_PAST_NINE_UTC, False)


def test_a_camera_that_states_its_zone_is_believed(tmp_path):
    found = admitted(photo(tmp_path / "a", "+01:00"), clock=Clock(ahead_s=99))
    assert (found.captured_at, found.has_zone) == (TEN_PAST_NINE_UTC, True)


def test_a_time_in_a_name_is_read_by_the_same_clock(tmp_path):
    (tmp_path / "a").write_text("words")
    found = admitted(tmp_path / "a", "x_20261105_101000.txt")
    assert (found.captured_at, found.captured_at_from) == (TEN_PAST_NINE_UTC, "name")


def test_the_time_of_the_file_and_of_a_sidecar_are_not_shifted(tmp_path):
    (tmp_path / "a").write_text("words")
    assert admitted(tmp_path / "a").captured_at == FILE_TIME
    said = admitted(tmp_path / "a", sidecar=b'{"captured_at": "2026-11-05T09:10:00Z"}')
    assert (said.captured_at, said.captured_at_from) == (TEN_PAST_NINE_UTC, "sidecar")


def test_a_clock_may_run_out_of_the_calendar():
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert BERLIN.to_utc(first) == first


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("cam_%Y%m%d-%H%M%S", "gate/cam_20261105-091000_7.mp4", TEN_PAST_NINE_UTC),
        ("%d.%m.%Y %H.%M", "Tor 05.11.2026 09.10 Uhr.jpg", TEN_PAST_NINE_UTC),
        ("%Y-%m-%d", "2026-11-05.jpg", datetime(2026, 11, 5, tzinfo=UTC)),
        (
            "%Y%m%d%H%M%S%f",
            "20261105091000250000.jpg",
            TEN_PAST_NINE_UTC.replace(microsecond=250_000),
        ),
        ("cam_%Y%m%d", "IMG_20261105_101000.jpg", None),
        ("%Y%m%d", "20261399.jpg", None),
    ],
)
def test_a_source_has_its_own_pattern(pattern, name, expected):
    assert captured_at_from_name(name, pattern=pattern) == expected


@pytest.mark.parametrize("pattern", ["%Y%m", "%Y%m%d%Y", "%Y%m%d%j", "no directive"])
def test_a_pattern_that_cannot_be_read_is_the_operators_to_mend(pattern):
    with pytest.raises(ConfigurationError, match="name pattern"):
        captured_at_from_name("20261105.jpg", pattern=pattern)
