"""A folder surveyed: every fact rendered into it is found, and the page is safe to show."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mlops_assets import operations as ops
from mlops_assets.cli import app
from mlops_assets.errors import ConfigurationError
from mlops_assets.gates.checking.one_file import Work
from mlops_assets.operations.surveying import Survey
from mlops_assets.operations.surveying.facts import Costs
from mlops_assets.operations.surveying.rehearsing import rehearse
from mlops_assets.operations.surveying.sampling import sampling_order
from mlops_assets.operations.surveying.wording import size_words, time_words
from mlops_assets.samples import render_clip, render_pdf, render_still

HOSTILE = "<script>alert(1)<"
NOT_UTF8 = os.fsdecode(b"na\xefve.jpg")


def picture(path: Path, levels: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(levels.astype(np.uint8)).save(path)


def fill(root: Path) -> None:
    """Media of May, June and August 2024; one dark, one blurred, one twice, one cut, one bad."""
    for name in ("yard", "gate"):
        (root / name).mkdir(parents=True)
    for place, month in enumerate((5, 6, 8)):
        at = datetime(2024, month, 3, 10, tzinfo=UTC)
        render_still(root / "yard" / f"{place}.jpg", seed=place, taken_at=at)
    rng = np.random.default_rng(0)
    picture(root / "gate" / "IMG_20240820_101500.png", rng.integers(0, 12, (120, 160, 3)))
    slope = np.linspace(60, 200, 160)[None, :, None]
    picture(root / "gate" / "IMG_20240821_101500.png", np.broadcast_to(slope, (120, 160, 3)))
    (root / "gate" / "again.jpg").write_bytes((root / "yard" / "0.jpg").read_bytes())
    (root / "gate" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    render_clip(root / "gate" / "VID_20240801_080000.mp4", frames=12, size=(160, 120))
    render_pdf(root / "manual.pdf", ["How the gate is opened, and how it is shut."])
    (root / "yard" / "0.jpg.json").write_text(json.dumps({"labels": ["person"]}))
    (root / "yard" / "labels.csv").write_text("path,label\n1.jpg,vehicle\n2.jpg,vehicle\n")
    (root / HOSTILE).mkdir()
    (root / HOSTILE / "script>.txt").write_text("A text in a folder with a hostile name.")
    (root / HOSTILE / "img src=http:x onerror=alert(1)").write_bytes(b"\0\xff\xfe" * 50)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("survey") / "media"
    fill(root)
    return root


@pytest.fixture(scope="module")
def found(folder: Path) -> Survey:
    return ops.survey(folder, with_costs=False, workers=2)


def test_what_was_rendered_is_counted_by_kind_source_and_format(found: Survey):
    kinds = {one.kind: one.files for one in found.kinds}
    assert kinds == {
        "image": 7,
        "document": 2,
        "video": 1,
        "sidecar": 1,
        "labels": 1,
        "unknown": 1,
    }
    sources = {one.source: (one.files, one.stopped) for one in found.sources}
    assert sources == {"yard": (5, 0), "gate": (5, 1), ".": (1, 0), HOSTILE: (2, 1)}
    assert {(one.codec, one.files, one.size) for one in found.codecs} >= {
        ("JPEG", 4, "320 x 240"),
        ("h264", 1, "160 x 120"),
    }
    assert (found.coverage.share_files, found.coverage.is_sample) == (1.0, False)


def test_dark_blurred_broken_and_equal_files_are_found(found: Survey):
    assert found.dark.examples == ("gate/IMG_20240820_101500.png",)
    assert found.blurred.examples == ("gate/IMG_20240821_101500.png",)
    assert {one.name: one.examples for one in found.stopped} == {
        "unreadable": ("gate/cut.png",),
        "unknown_kind": (f"{HOSTILE}/img src=http:x onerror=alert(1)",),
    }
    assert found.copies.groups == (("gate/again.jpg", "yard/0.jpg"),)
    assert (found.copies.files, found.copies.unread) == (1, 0)


def test_months_without_media_sidecars_and_labels_are_found(found: Survey):
    assert [one.month for one in found.months] == ["2024-05", "2024-06", "2024-08"]
    assert found.months_missing == ("2024-07",)
    notes = found.notes
    assert (notes.sidecars, notes.described, notes.labels_files) == (1, 1, 1)
    assert dict(notes.labels) == {"vehicle": 2, "person": 1}


def test_the_checklist_rests_on_what_was_seen(found: Survey):
    states = {one.topic: one.state for one in found.checks}
    assert states["Labels"] == "partly"
    assert states["Versions"] == "missing"
    assert states["No copies"] == "partly"
    assert states["Time of capture"] == "partly"
    assert all(one.evidence for one in found.checks)


class Page(HTMLParser):
    """Every tag and every attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_the_page_asks_nothing_of_other_places_and_escapes_names(found: Survey):
    text = ops.survey_page(found)
    page = Page()
    page.feed(text)
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "base", "form"})
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "href"]
    pictures = [value for name, value in page.attributes if name == "src"]
    assert len(pictures) == 7  # four stills, a clip, a dark one, a blurred one
    assert all(re.match(r"data:image/jpeg;base64,/9j/", value) for value in pictures)
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert not re.search(r"url\(|@import|https?:", style)
    assert "http" not in "".join(value for name, value in page.attributes if name == "style")
    assert "<script" not in text.lower()
    assert "&lt;script&gt;alert(1)&lt;" in text


def test_the_same_facts_are_in_text_and_record(found: Survey):
    text, record = ops.survey_text(found), ops.survey_record(found)
    assert "1 unreadable" in text
    assert "2024-07" in text
    assert json.loads(json.dumps(record))["months_missing"] == ["2024-07"]
    assert record["coverage"]["is_sample"] is False
    assert "sheets" not in record


def test_a_sample_is_the_same_every_time_spread_and_stated(folder: Path):
    once, twice = (
        ops.survey(folder, max_files=6, with_costs=False, workers=1 + again) for again in (0, 1)
    )
    assert {one.source: one.looked for one in once.sources} == {
        one.source: one.looked for one in twice.sources
    }
    assert all(one.looked for one in once.sources)
    assert once.kinds == twice.kinds
    assert once.coverage.looked_files == 6
    assert "A sample: 6 of 13 files (46.2%)" in ops.survey_text(once)
    assert sum(one.files for one in once.kinds) == 13


def test_every_beginning_of_the_order_is_spread_over_folders_and_months():
    works = [
        Work(Path(), f"{name}/{place:03d}.jpg", datetime(2024, 1 + place % 3, 1, tzinfo=UTC))
        for name in ("a", "b")
        for place in range(300)
    ]
    order = sampling_order(works)
    assert order == sampling_order(list(reversed(works)))
    assert sorted(order, key=lambda one: one.path) == works
    for count in (6, 60, 300):
        strata = [(one.path[0], one.modified_at.month) for one in order[:count]]
        assert {strata.count(one) for one in set(strata)} == {count // 6}


def test_costs_come_from_the_tables_run_over_files_of_it(tmp_path: Path, monkeypatch):
    from mlops_assets.operations.surveying import running

    asked = []

    def spy(listing, looks, kinds, *, left_s):
        asked.append([(one.kind, one.files) for one in kinds])
        images = [one for one in kinds if one.kind == "image"]
        return rehearse(listing, looks, images, left_s=left_s)

    monkeypatch.setattr(running, "rehearse", spy)
    for place in range(6):
        render_still(tmp_path / f"{place}.jpg", seed=place, size=(64, 64))
    costs = ops.survey(tmp_path, workers=1).costs
    rows = {one.table: one.rows for one in costs.tables}
    assert asked == [[("image", 6)]]
    assert (rows["raw_media"], rows["frames"], rows["frame_embeddings"]) == (6, 6, 6)
    assert costs.seconds > 0
    assert costs.size_bytes > 0
    assert "image: 2 and 6 files" in costs.basis


def test_garbage_and_nothing_end_with_0(tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / NOT_UTF8).write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    (bad / "zero.mp4").write_bytes(b"")
    (bad / "x\x1b[31m.pdf").write_bytes(b"%PDF-1.7 and no more")
    (bad / "out").symlink_to(tmp_path)
    os.mkfifo(bad / "pipe")
    for folder, files in ((empty, 0), (bad, 5)):
        page = tmp_path / f"{folder.name}.html"
        call = ["survey", str(folder), "--no-costs", "--html", str(page)]
        said = CliRunner().invoke(app, [*call, "--json"])
        assert said.exit_code == 0, said.output
        assert json.loads(said.stdout)["coverage"]["files"] == files
        assert page.read_text().rstrip().endswith("</html>")
        assert CliRunner().invoke(app, call).exit_code == 0


def test_what_cannot_be_surveyed_is_said(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot survey"):
        ops.survey(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="in 0 minutes"):
        ops.survey(tmp_path, minutes=0)


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456, "123 kB"), (2e18, "2,000.0 PB")],
)
def test_sizes_are_said_in_the_unit_that_fits(size_bytes: float, words: str):
    assert size_words(size_bytes) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (3.21, "3.2 s"), (600, "10 min"), (90_000, "25 h")]
)
def test_times_are_said_in_the_unit_that_fits(seconds: float, words: str):
    assert time_words(seconds) == words


def test_a_survey_without_costs_says_so(found: Survey):
    assert found.costs == Costs(basis="Not asked for.")
