"""What the code says of itself: rooms in a few lines, tables with grain, key and partition."""

from __future__ import annotations

import ast

import pytest

from mlops_assets.tables import all_tables
from mlops_assets_tests.docs.pages import PROJECT

ROOMS = sorted(init.parent.name for init in (PROJECT / "mlops_assets").glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_in_a_few_lines_what_it_is_for(room):
    init = PROJECT / "mlops_assets" / room / "__init__.py"
    said = ast.get_docstring(ast.parse(init.read_text())) or ""
    lines = [line for line in said.splitlines() if line.strip()]
    assert len(lines) >= 2


@pytest.mark.parametrize("name", all_tables())
@pytest.mark.parametrize("word", ["Grain: ", "Key: ", "Partition: "])
def test_a_table_says_what_its_rows_are(name, word):
    assert word in " ".join(all_tables()[name].description.split())


@pytest.mark.parametrize("name", all_tables())
def test_a_row_class_says_what_one_row_is(name):
    assert (all_tables()[name].row.__doc__ or "").strip()


@pytest.mark.parametrize("name", all_tables())
def test_every_check_says_which_fact_it_asserts(name):
    assert [check.name for check in all_tables()[name].checks if not check.description] == []
