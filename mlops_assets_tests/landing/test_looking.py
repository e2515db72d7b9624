"""What one look at sources states when it is bounded, when items fail, and when it is killed."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops_assets.errors import InputError, TransientError
from mlops_assets.lake import Lake
from mlops_assets.lake.vault import hash_file
from mlops_assets.landing import (
    ARRIVALS,
    CURSORS,
    Budget,
    Connector,
    Item,
    Landed,
    Page,
    Scratch,
    Source,
    open_failures,
    register_all,
)
from mlops_assets.landing.arrivals import known_arrivals
from mlops_assets.landing.connectors.folder import FolderConnector
from mlops_assets.landing.taking import fetching_folder
from mlops_assets.landing.tombstones import entomb
from mlops_assets.settings import SourceRow, settings

NOW = datetime.now(UTC) + timedelta(hours=1)


@dataclass(frozen=True)
class Feed(Connector):
    """Pages of texts, listed once: each is behind the cursor when it was given."""

    pages: tuple[tuple[tuple[str, str], ...], ...]
    errors: dict[str, Exception] = field(default_factory=dict)

    def describe(self) -> str:
        return "feed"

    def list_since(self, cursor: str | None) -> Iterator[Page]:
        for number in range(int(cursor or 0), len(self.pages)):
            items = (Item(name, etag=text, locator=text) for name, text in self.pages[number])
            yield Page(tuple(items), str(number + 1))

    def open(self, item: Item, scratch: Scratch) -> Path:
        if item.name in self.errors:
            raise self.errors[item.name]
        return scratch.write([(item.locator or "").encode()])


def feed(*pages: str) -> Feed:
    """A feed whose items are called as given and hold their name and page."""
    return Feed(tuple(tuple((n, f"{n} of {i}") for n in p.split()) for i, p in enumerate(pages)))


def look(
    lake: Lake, *connectors: Connector, later_s: float = 0, row: SourceRow | None = None, **bounds
) -> Landed:
    sources = [
        Source(f"feed{number or ''}", row or SourceRow(), one)
        for number, one in enumerate(connectors)
    ]
    now = NOW + timedelta(seconds=later_s)
    budget = Budget(**{"seconds": 600, **bounds})
    return register_all(lake, sources, budget=budget, now=now, settle_s=0)


def paths(lake: Lake) -> list[str]:
    return sorted(known_arrivals(lake)["path"])


def cursor(lake: Lake) -> str | None:
    found = CURSORS.latest(lake)
    return found["cursor"].item() if found.height else None


@pytest.mark.parametrize("bounds", [{"files": 2}, {"size_bytes": 12}, {"seconds": 0}])
def test_a_bound_leaves_the_rest_and_the_cursor_before_it(lake: Lake, bounds: dict):
    source = feed("a b", "c d", "e")
    looks = [look(lake, source, later_s=n, **bounds) for n in range(6)]
    assert sum(one.files for one in looks) == 5
    assert all(one.files <= 2 for one in looks)
    assert paths(lake) == list("abcde")
    assert ARRIVALS.statements(lake).height == 5
    assert cursor(lake) == "3"


def test_a_page_that_is_not_done_keeps_the_cursor(lake: Lake):
    assert look(lake, feed("a b c", "d"), files=2).left == 1
    assert cursor(lake) is None
    assert look(lake, feed("a b c", "d"), files=1, later_s=1).files == 1
    assert cursor(lake) == "1"


def test_pages_are_bounded_for_each_source(lake: Lake):
    assert look(lake, feed("a", "b", "c"), feed("d"), pages=2).files == 3
    assert look(lake, feed("a", "b", "c"), feed("d"), pages=2, later_s=1).files == 1


def test_a_failing_item_does_not_hold_the_cursor_and_is_not_lost(lake: Lake):
    flaky = Feed(feed("a b", "c").pages, {"b": TransientError("busy")})
    assert look(lake, flaky).files == 2
    assert cursor(lake) == "2"
    assert look(lake, flaky, later_s=61).failed == 1
    assert open_failures(lake)["tries"].item() == 2
    assert look(lake, feed("a b", "c"), later_s=100).files == 0
    assert look(lake, feed("a b", "c"), later_s=300).files == 1
    assert paths(lake) == ["a", "b", "c"]
    assert open_failures(lake).is_empty()


def test_a_sidecar_that_fails_does_not_keep_back_its_file(lake: Lake):
    broken = Feed(
        feed("a.txt a.txt.json").pages, {"a.txt.json": InputError("no", reason="refused")}
    )
    landed = look(lake, broken)
    assert (landed.files, landed.failed) == (1, 1)
    assert open_failures(lake)["path"].to_list() == ["a.txt.json"]
    changed = Feed(((("a.txt", "new"), ("a.txt.json", "a.txt.json of 0")),))
    CURSORS.append(lake, CURSORS.latest(lake).clear())
    again = [Source("feed", SourceRow(), changed)]
    known = known_arrivals(lake)["sha256"].item()
    register_all(lake, again, budget=Budget(), now=NOW + timedelta(seconds=5), settle_s=0)
    assert known_arrivals(lake)["sha256"].item() == known


def test_a_sidecar_of_an_earlier_page_is_adopted(lake: Lake):
    look(lake, feed("b.json", "x", "b.jpg"))
    assert paths(lake) == ["b.jpg", "x"]
    assert known_arrivals(lake).filter(path="b.jpg")["sidecar_path"].item() == "b.json"


def test_a_changed_sidecar_does_not_come_back_as_a_file(lake: Lake):
    look(lake, feed("a.txt.json"))
    look(lake, Feed((*feed("a.txt.json").pages, (("a.txt", "x"),))), later_s=1)
    assert paths(lake) == ["a.txt"]
    changed = Feed((*feed("-", "-").pages, (("a.txt.json", "other"),)))
    look(lake, changed, later_s=2)
    assert paths(lake) == ["a.txt"]
    sha256 = known_arrivals(lake)["sidecar_sha256"].item()
    assert lake.vault.read(sha256) == b"other"


def test_two_names_of_one_path_are_told_apart(lake: Lake):
    twins = Feed(((("e\u0301.txt", "one"), ("é.txt", "two")),))
    landed = look(lake, twins)
    assert (landed.files, landed.failed) == (1, 1)
    assert open_failures(lake)["reason"].item() == "same_path"
    apart = Feed((*twins.pages, (("é.txt", "three"),)))
    assert look(lake, apart, later_s=1).files == 0
    assert known_arrivals(lake)["name"].item() == "e\u0301.txt"
    assert look(lake, apart, later_s=2).failed == 0


def test_what_was_erased_is_stated_and_not_kept(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    look(lake, feed("a"))
    sha256 = known_arrivals(lake)["sha256"].item()
    entomb(lake, [sha256], reason="asked for", by="me")
    lake.vault.drop(sha256)
    again = Feed((*feed("-").pages, (("b", "a of 0"),)))
    assert look(lake, again, later_s=1).files == 1
    assert known_arrivals(lake).filter(path="b")["ruling"].item() == "erased"
    assert not lake.vault.holds(sha256)
    settings.cache_clear()


def test_fetched_bytes_leave_no_trace_but_the_vault(lake: Lake):
    look(lake, Feed(feed("a b").pages, {"b": InputError("no", reason="refused")}))
    assert [one.name for one in fetching_folder(lake).iterdir()] == [".look"]


def test_an_item_that_is_said_to_be_too_large_is_not_asked_for(lake: Lake):
    @dataclass(frozen=True)
    class Large(Feed):
        def list_since(self, cursor: str | None) -> Iterator[Page]:
            yield Page((Item("a", size_bytes=2_000_000, etag=""),), "1")

        def open(self, item: Item, scratch: Scratch) -> Path:
            raise AssertionError("it was asked for")

    landed = look(lake, Large(()), row=SourceRow(max_item_gb=0.001))
    assert landed.failed == 1
    assert open_failures(lake)["reason"].item() == "too_large"


def test_a_fault_of_one_connector_undoes_nothing_of_the_others(lake: Lake):
    faulty = Feed(feed("x").pages, {"x": ZeroDivisionError("a bug")})
    with pytest.raises(ZeroDivisionError):
        look(lake, feed("a b"), faulty, feed("never"))
    assert paths(lake) == ["a", "b"]


def test_two_looks_do_not_take_in_at_once(lake: Lake):
    class Looking(Feed):
        def open(self, item: Item, scratch: Scratch) -> Path:
            with pytest.raises(TransientError, match="another look"):
                look(lake, feed("b"))
            return super().open(item, scratch)

    assert look(lake, Looking(feed("a").pages)).files == 1
    assert look(lake, feed("a", "b"), later_s=1).files == 1


def test_what_vanished_before_a_later_try_is_not_tried_for_ever(lake: Lake):
    look(lake, Feed(feed("a b").pages, {"b": TransientError("busy")}))
    gone = Feed(feed("a b").pages, {"b": InputError("gone", reason="vanished")})
    assert look(lake, gone, later_s=61).failed == 1
    told = open_failures(lake).row(0, named=True)
    assert (told["reason"], told["retry_at"]) == ("vanished", None)
    assert look(lake, gone, later_s=10**6).failed == 0


def test_no_more_are_fetched_at_a_time_than_allowed(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    import threading

    lock, at_work, most = threading.Lock(), [0], [0]

    class Counting(Feed):
        def open(self, item: Item, scratch: Scratch) -> Path:
            with lock:
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
            try:
                return super().open(item, scratch)
            finally:
                with lock:
                    at_work[0] -= 1

    monkeypatch.setenv("MLOPS_LANDING_OPEN", "2")
    settings.cache_clear()
    pages = feed(" ".join(f"i{n}" for n in range(30))).pages
    assert look(lake, Counting(pages)).files == 30
    assert 1 <= most[0] <= 2
    settings.cache_clear()


class Killed(BaseException):
    """The process is dead, as far as this test is concerned."""


STEPS = {
    "fetched": ("mlops_assets.landing.taking", "Taker._into_vault", False),
    "kept": ("mlops_assets.landing.taking", "Taker._into_vault", True),
    "before arrivals": ("mlops_assets.landing.registering", "ARRIVALS.append", False),
    "arrivals": ("mlops_assets.landing.registering", "ARRIVALS.append", True),
    "before failures": ("mlops_assets.landing.registering", "state_failures", False),
    "failures": ("mlops_assets.landing.registering", "state_failures", True),
    "before cursors": ("mlops_assets.landing.registering", "state_cursors", False),
    "cursors": ("mlops_assets.landing.registering", "state_cursors", True),
}


def kill_at(monkeypatch: pytest.MonkeyPatch, step: str, die: Callable[[], None]) -> None:
    """Let the third pass through a step be the last thing that happens."""
    module, name, is_after = STEPS[step]
    target = importlib.import_module(module)
    first, _, rest = name.partition(".")
    owner = type(getattr(target, first)) if first.isupper() else getattr(target, first)
    if not rest:
        owner, rest = target, first
    plain, left = getattr(owner, rest), [1 if "_into" not in rest else 3]

    def between(*args, **more):
        is_it = first != "ARRIVALS" or args[0].name == "arrivals"
        left[0] -= is_it
        if is_it and not left[0] and not is_after:
            die()
        made = plain(*args, **more)
        if is_it and not left[0]:
            die()
        return made

    monkeypatch.setattr(owner, rest, between)


def stay_dead(patched: pytest.MonkeyPatch) -> Callable[[], None]:
    """Die, and state nothing more."""

    def die(*_: object) -> None:
        patched.setattr("mlops_assets.landing.registering._Look.state", die)
        raise Killed

    return die


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ["in place", "fetched"])
def test_killed_at_any_step_nothing_is_lost_and_nothing_twice(
    lake: Lake, tmp_path: Path, step: str, kind: str
):
    connector = source_of(tmp_path, kind)
    with pytest.MonkeyPatch.context() as patched:
        kill_at(patched, step, stay_dead(patched))
        with pytest.raises(Killed):
            look(lake, connector)
    look(lake, connector, later_s=1)
    require_once(lake)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_dies_at_any_step_loses_nothing(lake: Lake, tmp_path: Path, step: str):
    connector = source_of(tmp_path, "fetched")
    call = f"import {__name__} as t; t.look_and_die({str(tmp_path)!r}, {step!r})"
    assert subprocess.run([sys.executable, "-c", call], check=False).returncode == 9
    look(lake, connector, later_s=1)
    require_once(lake)


def look_and_die(folder: str, step: str) -> None:
    """In a process of its own: look, and be dead in the middle."""
    import os

    kill_at(pytest.MonkeyPatch(), step, lambda: os._exit(9))
    look(Lake.at(f"{folder}/lake"), source_of(Path(folder), "fetched"))


def source_of(tmp_path: Path, kind: str) -> Connector:
    if kind == "fetched":
        return feed("a.txt a.txt.json b.txt", "c.txt d.txt")
    zone = tmp_path / "zone"
    zone.mkdir(exist_ok=True)
    for name in ("a.txt", "a.txt.json", "b.txt", "c.txt", "d.txt"):
        (zone / name).write_text(name)
    return FolderConnector(str(zone))


def require_once(lake: Lake) -> None:
    stated = ARRIVALS.statements(lake)
    assert sorted(stated["path"]) == ["a.txt", "b.txt", "c.txt", "d.txt"]
    for sha256 in [*stated["sha256"], *stated["sidecar_sha256"].drop_nulls()]:
        assert lake.vault.verify(sha256)
    kept = [one for one in Path(lake.store.root, "vault").glob("??/*") if one.is_file()]
    assert len(kept) == 5
    assert {hash_file(one) for one in kept} == {one.name for one in kept}


def test_many_sources_land_in_one_look(lake: Lake, tmp_path: Path):
    from mlops_assets.landing import register

    for number in range(200):
        folder = tmp_path / "zone" / f"camera-{number:04}"
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text(str(number))
    landed = register(lake, tmp_path / "zone", now=NOW, settle_s=0, budget_s=600)
    assert (landed.files, len(landed.partitions)) == (200, 200)
    assert ARRIVALS.version(lake) == 1
    assert register(lake, tmp_path / "zone", now=NOW, settle_s=0, budget_s=600).files == 0
