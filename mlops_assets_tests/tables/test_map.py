"""The map of the tables: complete, in order, importable without anything heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.rows import Table
from mlops_assets.tables import all_producers, all_tables, table_named


def test_parents_come_before_children():
    seen: set[str] = set()
    for name, table in all_tables().items():
        parents = {p.name for p in table.producer.lineage.parents if isinstance(p, Table)}
        assert parents <= seen | {t.name for t in table.producer.tables}
        seen.add(name)


def test_every_producer_is_listed_once():
    names = [producer.name for producer in all_producers()]
    assert len(names) == len(set(names))
    assert {t.name for p in all_producers() for t in p.tables} == set(all_tables())


def test_a_name_that_is_no_table_is_answered_with_those_there_are():
    with pytest.raises(ConfigurationError, match="there is no table 'frame'; there are: raw_media"):
        table_named("frame")


@pytest.mark.parametrize("name", all_tables())
def test_every_parameter_of_a_table_has_a_type_and_a_default(name: str):
    for parameter in all_tables()[name].producer.parameters.values():
        assert parameter.annotation is not None
        assert parameter.default is not None or "None" in str(parameter.annotation)


def test_the_map_is_read_without_dagster_or_anything_heavy():
    heavy = ("dagster", "torch", "cv2", "av", "mlflow", "whylogs", "lightning", "cupy")
    code = (
        "import sys; from mlops_assets.tables import all_tables; all_tables();"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
