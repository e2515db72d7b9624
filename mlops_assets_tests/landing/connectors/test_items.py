"""Names of items become paths that lead nowhere else, and files of a folder stay in it."""

from __future__ import annotations

import os
import time
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.landing import Item, Scratch
from mlops_assets.landing.connectors import path_of
from mlops_assets.landing.connectors.folder import FolderConnector

NOWHERE = Scratch(Path(), 0, 0.0)
PARTS = st.sampled_from(
    [".", "..", "/", "//", "a", "b.jpg", " ", "é", "\x00", "\n", "\u202e", "\\"]
)
NAMES = st.one_of(st.text(min_size=1), st.lists(PARTS, min_size=1).map("".join))


@given(NAMES)
def test_a_path_leads_nowhere_but_down(name: str):
    path = path_of(name)
    parts = path.split("/")
    assert not set(parts) & {"", ".", ".."}
    assert PurePosixPath("base", path).parts == ("base", *parts)
    assert path.isprintable() or not any(unicodedata.category(c) == "Cc" for c in path)
    assert unicodedata.is_normalized("NFC", path)
    path.encode()


@given(NAMES)
def test_a_path_is_a_path_already(name: str):
    assert path_of(path_of(name)) == path_of(name)


@pytest.mark.parametrize(("name", "reason"), [("", "no_name"), ("é" * 3000, "name_too_long")])
def test_a_name_that_is_none_is_one_bad_item(name: str, reason: str):
    with pytest.raises(InputError) as caught:
        path_of(name)
    assert caught.value.reason == reason


@given(
    st.builds(
        Item,
        st.text(min_size=1),
        st.none() | st.integers(0),
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.none() | st.text(),
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.none() | st.text(),
    )
)
def test_an_item_survives_as_text(item: Item):
    assert Item.from_json(item.to_json()) == item


def test_a_mark_changes_with_what_the_source_tells():
    when = datetime(2026, 11, 20, tzinfo=UTC)
    plain = Item("a", 1, when)
    assert plain.mark == Item("b", 1, when, changed_at=when, locator="x").mark
    others = [
        Item("a", 2, when),
        Item("a", 1, when + timedelta(microseconds=1)),
        Item("a", etag=""),
    ]
    assert len({plain.mark, *(one.mark for one in others)}) == 4


def test_scratch_keeps_what_may_go_on_and_refuses_the_rest(tmp_path: Path):
    scratch = Scratch(tmp_path / "bytes", 10, time.monotonic() + 60)
    assert scratch.write([b"abc", b"def"]).read_bytes() == b"abcdef"
    assert scratch.write([b"xyz"], keep_bytes=3).read_bytes() == b"abcxyz"
    with pytest.raises(InputError, match="the limit is 10"):
        scratch.write([b"a" * 11])
    with pytest.raises(TransientError, match="in time"):
        Scratch(tmp_path / "bytes", 10, time.monotonic() - 1).write([b"a"])


def names(folder: Path) -> list[str]:
    connector = FolderConnector(str(folder))
    return [item.name for page in connector.list_since(None) for item in page.items]


def test_links_hidden_files_and_files_in_transit_are_left_out(tmp_path: Path):
    zone, outside = tmp_path / "zone", tmp_path / "outside"
    (zone / ".hidden").mkdir(parents=True)
    outside.mkdir()
    for file in (zone / "a.txt", zone / ".b.txt", zone / "c.part", zone / ".hidden" / "d.txt",
                 outside / "e.txt"):  # fmt: skip
        file.write_text("x")
    (zone / "link").symlink_to(outside)
    (zone / "link.txt").symlink_to(outside / "e.txt")
    os.mkfifo(zone / "pipe")
    assert names(zone) == ["a.txt"]


def test_what_became_a_link_since_is_not_followed(tmp_path: Path):
    zone = tmp_path / "zone"
    (zone / "d").mkdir(parents=True)
    (zone / "d" / "a.txt").write_text("mine")
    connector = FolderConnector(str(zone))
    ((item,),) = (page.items for page in connector.list_since(None))
    (zone / "d").rename(tmp_path / "elsewhere")
    (zone / "d").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError) as caught:
        connector.open(item, NOWHERE)
    assert caught.value.reason == "leads_outside"


def test_a_name_that_is_no_utf8_can_be_read(tmp_path: Path):
    zone = tmp_path / "zone"
    zone.mkdir()
    Path(os.fsdecode(os.fsencode(zone) + b"/a\xff.txt")).write_bytes(b"odd")
    connector = FolderConnector(str(zone))
    ((item,),) = (page.items for page in connector.list_since(None))
    assert item.path == "a\\xff.txt"
    again = Item.from_json(item.to_json())
    assert connector.open(again, NOWHERE).read_bytes() == b"odd"


def test_a_folder_that_cannot_be_read_costs_its_neighbours_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("a/1.txt", "b/2.txt", "c/3.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x")
    plain = os.scandir

    def scandir(path):
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)

    monkeypatch.setattr(os, "scandir", scandir)
    connector = FolderConnector(str(tmp_path))
    items = {item.name: item for page in connector.list_since(None) for item in page.items}
    assert list(items) == ["a/1.txt", "b", "c/3.txt"]
    with pytest.raises(InputError):
        connector.open(items["b"], NOWHERE)


@pytest.mark.usefixtures("pages_of_two")
def test_a_look_goes_on_in_the_middle_of_a_folder(tmp_path: Path):
    order = ["a/1", "a/2", "a/b/3", "a-/4", "b", "c/5"]
    for name in order:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    whole = names(tmp_path)
    assert sorted(whole) == sorted(order)
    connector = FolderConnector(str(tmp_path))
    pages = list(connector.list_since(None))
    for number, page in enumerate(pages):
        rest = [i.name for p in connector.list_since(page.cursor) for i in p.items]
        assert rest == (whole[2 * number + 2 :] or whole)


def test_a_folder_that_is_none_is_for_the_operator(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="is no folder"):
        names(tmp_path / "nowhere")
