"""The records kept for those who come later: changes and decisions."""

from __future__ import annotations

import re

import pytest

from mlops_assets_tests.docs.pages import CHANGELOG, PROJECT

DECISIONS = sorted((PROJECT / "docs" / "decisions").glob("*.md"))
HEADINGS = {"Added", "Changed", "Fixed", "Removed", "Data"}
PAGE_LINES = 60


def test_the_changelog_begins_with_what_is_unreleased():
    assert re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)[0] == "Unreleased"


def test_the_changelog_uses_its_own_headings_only():
    headings = re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)
    assert set(headings) <= HEADINGS
    assert "Data" in headings


def test_an_entry_starts_with_a_public_name():
    changes = re.sub(r"### Data\n.*?(?=^##|\Z)", "", CHANGELOG, flags=re.DOTALL | re.MULTILINE)
    entries = re.findall(r"^- (.+)$", changes, re.MULTILINE)
    assert [entry for entry in entries if not entry.startswith("`")] == []


def test_every_table_is_in_the_changelog():
    from mlops_assets.tables import all_tables

    assert [name for name in all_tables() if f"`{name}`" not in CHANGELOG] == []


def test_decisions_are_numbered_without_gaps():
    numbers = [int(file.name[:4]) for file in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.stem)
def test_a_decision_is_one_page_with_context_choice_alternatives_and_price(file):
    text = file.read_text()
    assert text.startswith(f"# {file.name[:4]} ")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [h for h in ("Context", "Choice", "Alternatives", "Price") if h not in headings] == []
    assert len(text.splitlines()) <= PAGE_LINES


def test_the_license_is_the_one_the_package_names():
    import tomllib

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    text = (PROJECT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
