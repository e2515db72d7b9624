"""The flow page shows the committed figures, and commands that there are."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from benchmarks.flow_page import PAGE, page_tables
from mlops_assets.cli import app
from mlops_assets_tests.docs.pages import PROJECT, README, spoken

LINK = re.compile(r"\]\(([^)#\s]+)\)")


@pytest.mark.parametrize("part", ["accuracy", "rendered", "robustness", "calibration", "place"])
def test_the_page_shows_the_committed_figures(part):
    text = PAGE.read_text()
    assert f"<!-- {part} -->\n{page_tables()[part]}<!-- /{part} -->\n" in text


def test_the_readme_shows_the_same_accuracy():
    assert f"<!-- accuracy -->\n{page_tables()['accuracy']}<!-- /accuracy -->\n" in README


def test_what_is_linked_is_there_and_small():
    linked = [PAGE.parent / path for path in LINK.findall(PAGE.read_text())]
    assert len(linked) >= 3
    assert [path for path in linked if not path.is_file()] == []
    assert sum(path.stat().st_size for path in linked) < 600_000


def test_every_command_of_the_group_is_shown():
    commands = get_command(app).commands["flow"].commands  # pyright: ignore[reportAttributeAccessIssue]
    shown = re.findall(r"^mlops flow (\w+)", spoken(PAGE.read_text()), re.MULTILINE)
    assert set(shown) == set(commands)


def test_backends_are_those_of_the_room():
    from mlops_assets.flow import BACKENDS

    told = re.findall(r"^\| `([\w-]+)` \| `([\w-]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert dict(told) == {name: backend.method for name, backend in BACKENDS.items()}


def test_the_result_is_a_file_of_the_project():
    assert (PROJECT / "benchmarks" / "results" / "flow_accuracy.json").is_file()
