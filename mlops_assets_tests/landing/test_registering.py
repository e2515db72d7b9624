"""What one look at the landing zone states, and what it leaves as it was."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake, Ledger
from mlops_assets.landing import ARRIVALS, Landed, desired_digests, register, rule
from mlops_assets.landing.arrivals import first_partition, known_arrivals

NOW = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


def drop(zone: Path, path: str, text: str) -> Path:
    file = zone / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def look(lake: Lake, zone: Path, later_s: float = 0) -> Landed:
    return register(lake, zone, now=NOW + timedelta(seconds=later_s), settle_s=0)


def of(lake: Lake, path: str) -> dict[str, object]:
    return known_arrivals(lake).filter(path=path).row(0, named=True)


def digest(lake: Lake) -> int:
    return desired_digests(lake)["digest"].item()


def test_bytes_are_in_the_vault_before_they_are_stated(lake: Lake, zone: Path):
    drop(zone, "camera/a.txt", "one")
    landed = look(lake, zone)
    assert (landed.files, landed.unsettled, landed.left) == (1, 0, 0)
    sha256 = str(of(lake, "a.txt")["sha256"])
    assert sha256 == hashlib.sha256(b"one").hexdigest()
    assert lake.vault.read(sha256) == b"one"


def test_a_second_look_states_nothing(lake: Lake, zone: Path):
    drop(zone, "camera/a.txt", "one")
    look(lake, zone)
    version = ARRIVALS.version(lake)
    assert look(lake, zone).files == 0
    assert ARRIVALS.version(lake) == version


def test_a_path_stays_in_the_partition_of_its_first_day(lake: Lake, zone: Path):
    file = drop(zone, "camera/a.txt", "one")
    first = look(lake, zone)
    file.write_text("another text")
    second = look(lake, zone, later_s=3 * 86_400)
    assert second.files == 1
    assert second.partitions == first.partitions
    assert of(lake, "a.txt")["landed_at"] == NOW
    assert first_partition(lake, "camera") == of(lake, "a.txt")["day"]
    assert first_partition(lake, "nobody") is None


def test_the_first_partition_follows_what_lands(lake: Lake, zone: Path):
    drop(zone, "camera/a.txt", "one")
    look(lake, zone)
    drop(zone, "door/a.txt", "two")
    look(lake, zone, later_s=86_400)
    day = (NOW + timedelta(days=1)).date().isoformat()
    assert first_partition(lake, "door") == day
    assert first_partition(lake, "camera") == NOW.date().isoformat()


def test_equal_bytes_belong_to_the_first_and_pass_to_the_heir(lake: Lake, zone: Path):
    drop(zone, "b/x.txt", "same")
    look(lake, zone)
    drop(zone, "a/y.txt", "same")
    look(lake, zone, later_s=1)
    assert of(lake, "x.txt")["duplicate_of"] is None
    assert of(lake, "y.txt")["duplicate_of"] == "b/x.txt"
    drop(zone, "b/x.txt", "something else now")
    look(lake, zone, later_s=2)
    assert of(lake, "y.txt")["duplicate_of"] is None


def test_a_sidecar_belongs_to_its_file_whichever_came_first(lake: Lake, zone: Path):
    drop(zone, "camera/a.txt.json", '{"caption": "x"}')
    look(lake, zone)
    drop(zone, "camera/a.txt", "one")
    look(lake, zone, later_s=1)
    assert known_arrivals(lake)["path"].to_list() == ["a.txt"]
    assert of(lake, "a.txt")["sidecar_sha256"] is not None


def test_a_vanished_sidecar_is_kept(lake: Lake, zone: Path):
    drop(zone, "camera/a.txt", "one")
    sidecar = drop(zone, "camera/a.txt.json", "{}")
    look(lake, zone)
    sidecar.unlink()
    assert look(lake, zone, later_s=1).files == 0
    assert of(lake, "a.txt")["sidecar_sha256"] is not None


def test_what_version_0_1_stated_is_known(lake: Lake, zone: Path, tmp_path: Path):
    """It had no marks; nothing is read again but sidecars, and nothing becomes due."""
    drop(zone, "camera/a.txt", "one")
    drop(zone, "camera/b.txt", "two")
    drop(zone, "camera/b.txt.json", "{}")
    look(lake, zone)
    before, rows = digest(lake), ARRIVALS.latest(lake)
    earlier = Lake.at(str(tmp_path / "earlier"))
    old = rows.drop("name", "mark", "sidecar_path", "sidecar_mark")
    Ledger("arrivals", old.schema, ARRIVALS.key).append(earlier, old)
    assert digest(earlier) == before
    assert look(earlier, zone, later_s=1).files == 1
    assert digest(earlier) == before
    assert look(earlier, zone, later_s=2).files == 0


def test_a_touched_file_of_equal_bytes_changes_no_source_but_its_time(lake: Lake, zone: Path):
    file = drop(zone, "camera/a.txt", "one")
    look(lake, zone)
    before = of(lake, "a.txt")
    file.touch()
    look(lake, zone, later_s=1)
    after = of(lake, "a.txt")
    assert after["sha256"] == before["sha256"]
    assert ARRIVALS.statements(lake).height == 2


def test_a_ruling_changes_what_is_desired_and_a_release_changes_it_again(lake: Lake, zone: Path):
    drop(zone, "camera/a.txt", "one")
    look(lake, zone)
    before, media_id = digest(lake), str(of(lake, "a.txt")["sha256"])
    rule(lake, media_id, "quarantined", reason="a face", by="me")
    during = digest(lake)
    rule(lake, media_id, "released", reason="", by="me")
    assert len({before, during, digest(lake)}) == 3
    assert of(lake, "a.txt")["ruling"] == "released"


def test_the_order_of_arrival_does_not_change_the_digest(tmp_path: Path, zone: Path):
    lakes = [Lake.at(str(tmp_path / name)) for name in ("one", "two")]
    files = {name: drop(zone, f"camera/{name}", name) for name in ("a.txt", "b.txt")}
    rows = []
    for lake, order in zip(lakes, (("a.txt", "b.txt"), ("b.txt", "a.txt")), strict=True):
        for name in order:
            for other, file in files.items():
                file.rename(zone / "camera" / (other if other == name else f".{other}"))
                files[other] = zone / "camera" / (other if other == name else f".{other}")
            look(lake, zone)
        rows.append(digest(lake))
    assert rows[0] == rows[1]


def test_no_landing_zone_is_an_error_for_the_operator(lake: Lake, tmp_path: Path):
    with pytest.raises(ConfigurationError, match="is no folder"):
        register(lake, tmp_path / "nowhere")


def test_a_file_at_the_top_is_unsorted(lake: Lake, zone: Path):
    drop(zone, "a.txt", "one")
    assert look(lake, zone).partitions[0].startswith("unsorted@")
