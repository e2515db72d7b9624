"""One suite over all connectors: what is offered lands once, changes are seen, failures told."""

from __future__ import annotations

import hashlib
import time
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.lake import Lake
from mlops_assets.landing import (
    ARRIVALS,
    CURSORS,
    Budget,
    Connector,
    Item,
    Landed,
    Scratch,
    Source,
    open_failures,
    register_all,
)
from mlops_assets.landing.arrivals import known_arrivals
from mlops_assets.settings import SourceRow
from mlops_assets_tests.landing.connectors.worlds import BucketWorld, World

NOW = datetime.now(UTC) + timedelta(hours=1)


def look(
    lake: Lake, connector: Connector, *, files: int | None = None, later_s: float = 0
) -> Landed:
    source = Source("feed", SourceRow(), connector)
    budget = Budget(seconds=600, files=files)
    now = NOW + timedelta(seconds=later_s)
    return register_all(lake, [source], budget=budget, now=now, settle_s=0)


def paths(lake: Lake) -> list[str]:
    return sorted(known_arrivals(lake)["path"])


def sha256_of(lake: Lake, path: str) -> str:
    return known_arrivals(lake).filter(path=path)["sha256"].item()


def listed(connector: Connector) -> list[Item]:
    return [item for page in connector.list_since(None) for item in page.items]


def scratch(folder: Path, max_bytes: int = 1_000_000) -> Scratch:
    folder.mkdir(parents=True, exist_ok=True)
    return Scratch(folder / "bytes", max_bytes, time.monotonic() + 60)


def test_what_is_offered_lands_once_with_its_bytes(world: World, lake: Lake):
    offered = world.fill(5)
    landed = look(lake, world.connector())
    assert (landed.files, landed.left, landed.failed) == (5, 0, 0)
    assert paths(lake) == sorted(offered)
    for path, content in offered.items():
        sha256 = sha256_of(lake, path)
        kept = lake.vault.read(sha256)
        assert hashlib.sha256(kept).hexdigest() == sha256
        assert content in (None, kept)


def test_a_second_look_states_nothing(world: World, lake: Lake):
    world.fill(3)
    look(lake, world.connector())
    before = ARRIVALS.version(lake), CURSORS.version(lake)
    assert look(lake, world.connector(), later_s=1).files == 0
    assert (ARRIVALS.version(lake), CURSORS.version(lake)) == before


@pytest.mark.usefixtures("pages_of_two")
def test_bounded_looks_go_on_where_the_last_one_stopped(world: World, lake: Lake):
    offered = world.fill(7)
    taken = [look(lake, world.connector(), files=3, later_s=n).files for n in range(4)]
    assert sum(taken) == 7
    assert max(taken) <= 3
    assert paths(lake) == sorted(offered)
    assert ARRIVALS.statements(lake).height == 7


@pytest.mark.usefixtures("pages_of_two")
def test_a_lost_cursor_costs_a_listing_and_states_nothing_twice(world: World, lake: Lake):
    if not world.can_change:
        pytest.skip("its items are gone once they are stated, or never change")
    world.fill(5)
    look(lake, world.connector())
    CURSORS.append(
        lake,
        CURSORS.latest(lake).with_columns(
            cursor=pl.lit(None, pl.String()), recorded_at=pl.lit(NOW + timedelta(seconds=1))
        ),
    )
    assert look(lake, world.connector(), later_s=2).files == 0
    assert ARRIVALS.statements(lake).height == 5


@pytest.mark.usefixtures("pages_of_two")
def test_new_and_changed_items_are_seen(changing: World, lake: Lake):
    changing.fill(5)
    look(lake, changing.connector())
    changing.put("001.txt", b"another text")
    changing.put("zzz.txt", b"the newest")
    assert look(lake, changing.connector(), later_s=1).files == 2
    assert lake.vault.read(sha256_of(lake, "001.txt")) == b"another text"
    assert lake.vault.read(sha256_of(lake, "zzz.txt")) == b"the newest"
    assert look(lake, changing.connector(), later_s=2).files == 0


def test_what_vanishes_keeps_its_arrival(changing: World, lake: Lake):
    changing.fill(3)
    look(lake, changing.connector())
    changing.remove("001.txt")
    assert look(lake, changing.connector(), later_s=1).files == 0
    assert len(paths(lake)) == 3


def test_what_vanishes_before_it_is_opened_is_one_bad_item(changing: World, tmp_path: Path):
    changing.fill(2)
    connector = changing.connector()
    gone, there = listed(connector)
    changing.remove(gone.name)
    with pytest.raises(InputError) as caught:
        connector.open(gone, scratch(tmp_path / "a"))
    assert caught.value.reason == "vanished"
    assert connector.open(there, scratch(tmp_path / "b")).read_bytes() == b"note 1"


ODD = ("a b.txt", "e\u0301.txt", "日本.txt", "x%20y+z.txt", "#1 'q'?.txt", "d/e/f.txt")


def test_odd_names_are_names(changing: World, lake: Lake):
    for name in ODD:
        changing.put(name, name.encode())
    assert look(lake, changing.connector()).files == len(ODD)
    assert paths(lake) == sorted(unicodedata.normalize("NFC", name) for name in ODD)
    assert lake.vault.read(sha256_of(lake, "\u00e9.txt")) == "e\u0301.txt".encode()
    assert look(lake, changing.connector(), later_s=1).files == 0


HOSTILE = {
    "../up.txt": "%2E%2E/up.txt",
    "/etc/absolute.txt": "%2Fetc/absolute.txt",
    "a/../../b.txt": "a/%2E%2E/%2E%2E/b.txt",
    "a//b.txt": "a/%2Fb.txt",
    "./c.txt": "%2E/c.txt",
    "line\nbreak.txt": "line%0Abreak.txt",
    "right\u202eto-left.txt": "right%E2%80%AEto-left.txt",
}


@pytest.mark.parametrize("changing", ["bucket", "manifest", "sqlite", "postgres"], indirect=True)
def test_names_that_would_lead_out_are_confined(changing: World, lake: Lake):
    is_bucket = isinstance(changing, BucketWorld)  # moto has no keys with line breaks
    names = {n: path for n, path in HOSTILE.items() if not (is_bucket and "\n" in n)}
    for number, name in enumerate(names):
        changing.put(name, f"hostile {number}".encode())
    landed = look(lake, changing.connector())
    assert (landed.files, landed.failed) == (len(names), 0)
    assert paths(lake) == sorted(names.values())
    assert look(lake, changing.connector(), later_s=1).files == 0


@pytest.mark.usefixtures("pages_of_two")
def test_a_sidecar_belongs_to_its_file_in_whichever_page_it_is(changing: World, lake: Lake):
    for name in ("a.txt", "b.txt", "b.txt.json", "c.txt"):
        changing.put(name, name.encode())
    look(lake, changing.connector())
    assert paths(lake) == ["a.txt", "b.txt", "c.txt"]
    changing.put("a.txt.json", b"{}")
    assert look(lake, changing.connector(), later_s=1).files == 1
    taken = dict(known_arrivals(lake).select("path", "sidecar_path").iter_rows())
    assert taken == {"a.txt": "a.txt.json", "b.txt": "b.txt.json", "c.txt": None}


def test_one_item_that_fails_costs_its_neighbours_nothing(
    changing: World, lake: Lake, monkeypatch: pytest.MonkeyPatch
):
    changing.fill(4)
    failing(monkeypatch, changing, {"001.txt": InputError("no good", reason="refused")})
    landed = look(lake, changing.connector())
    assert (landed.files, landed.failed) == (3, 1)
    told = open_failures(lake).row(0, named=True)
    assert (told["path"], told["reason"], told["message"]) == ("001.txt", "refused", "no good")
    assert told["retry_at"] is None
    assert look(lake, changing.connector(), later_s=1).failed == 0
    changing.put("001.txt", b"better")
    monkeypatch.undo()
    assert look(lake, changing.connector(), later_s=2).files == 1
    assert open_failures(lake).is_empty()


def test_an_item_that_cannot_be_had_now_is_tried_again_later(
    changing: World, lake: Lake, monkeypatch: pytest.MonkeyPatch
):
    changing.fill(3)
    failing(monkeypatch, changing, {"002.txt": TransientError("busy")})
    assert look(lake, changing.connector()).files == 2
    monkeypatch.undo()
    assert look(lake, changing.connector(), later_s=1).files == 0
    assert look(lake, changing.connector(), later_s=61).files == 1
    assert open_failures(lake).is_empty()
    assert ARRIVALS.statements(lake).height == 3


def failing(monkeypatch: pytest.MonkeyPatch, world: World, errors: dict[str, Exception]) -> None:
    kind = type(world.connector())
    plain = kind.open

    def open_or_fail(self: Connector, item: Item, scratch: Scratch) -> Path:
        if item.name in errors:
            raise errors[item.name]
        return plain(self, item, scratch)

    monkeypatch.setattr(kind, "open", open_or_fail)


def test_a_source_that_does_not_answer_is_told_and_tried_later(changing: World, lake: Lake):
    with pytest.raises((TransientError, ConfigurationError)):
        listed(changing.cut_off())
    assert look(lake, changing.cut_off()).failed == 1
    told = open_failures(lake).row(0, named=True)
    assert (told["source"], told["path"]) == ("feed", "")
    assert told["reason"] in ("unreachable", "misconfigured")
    assert look(lake, changing.cut_off(), later_s=30).failed == 0
    assert look(lake, changing.cut_off(), later_s=61).failed == 1
    assert open_failures(lake)["tries"].item() == 2


def test_items_hold_what_a_later_try_needs(world: World, tmp_path: Path):
    world.fill(2)
    connector = world.connector()
    for number, item in enumerate(listed(connector)):
        again = Item.from_json(item.to_json())
        assert again == item
        first = connector.open(item, scratch(tmp_path / f"{number}-a")).read_bytes()
        second = connector.open(again, scratch(tmp_path / f"{number}-b")).read_bytes()
        assert first == second


def test_too_many_bytes_are_refused(changing: World, tmp_path: Path):
    changing.put("large.txt", b"x" * 100_000)
    connector = changing.connector()
    (item,) = listed(connector)
    if connector.in_place:
        pytest.skip("nothing is fetched; the gate of raw_media judges its size")
    with pytest.raises(InputError) as caught:
        connector.open(item, scratch(tmp_path / "s", max_bytes=99_999))
    assert caught.value.reason == "too_large"


def test_no_connector_shows_its_secrets(world: World):
    told = world.connector().describe() + repr(world.connector())
    assert "secret" not in told
    assert "tester" not in told
