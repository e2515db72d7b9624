"""A user's own table: the very block of the README, in a module of the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from mlops_assets.defs import assets
from mlops_assets.defs.resources import LakeResource
from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import MEDIA, use_lake
from mlops_assets.rows import Table, bring
from mlops_assets.settings import settings
from mlops_assets.tables import all_tables, table_named
from mlops_assets_tests.defs.workbench import Workbench, failures, metadata_of

pytestmark = pytest.mark.filterwarnings(  # Dagster's code references
    "ignore::dagster_shared.utils.warnings.BetaWarning"
)

README = Path(__file__).parents[2] / "README.md"


def block_of(heading: str) -> str:
    """The first fenced Python block under a heading of the README."""
    section = README.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def own(brought: Workbench, tmp_path: Path) -> Iterator[Table]:
    """The table of the README, found by the setting."""
    package = tmp_path / "somebody" / "readme_tables"
    package.mkdir(parents=True)
    package.joinpath("__init__.py").touch()
    package.joinpath("colours.py").write_text(block_of("Add a table"))
    brought.monkeypatch.syspath_prepend(package.parent)
    brought.monkeypatch.setenv("MLOPS_TABLE_MODULES", '["readme_tables"]')
    settings.cache_clear()
    all_tables.cache_clear()
    yield table_named("colours")
    all_tables.cache_clear()


def test_the_table_of_the_readme_is_brought_up_without_dagster(own: Table, brought: Workbench):
    key = next(key for key in brought.partitions if key.startswith("camera-01"))
    with use_lake(brought.lake):
        first, second = (bring(own.producer, brought.lake, MEDIA.parse(key)) for _ in range(2))
    assert first.computed == {"new": 4}
    assert second.computed == {}
    rows = own.rows(brought.lake, MEDIA.parse(key)).collect()
    assert set(rows["frame_id"]) == set(brought.rows("frames", key)["frame_id"])
    assert rows["share"].is_between(0, 1).all()


def test_the_table_of_the_readme_is_an_asset_like_any_other(own: Table, brought: Workbench):
    made = assets.build_asset(own.producer)
    key = next(key for key in brought.partitions if key.startswith("camera-01"))
    definitions = dg.Definitions(assets=[made], resources={"lake": LakeResource()})
    job = definitions.resolve_implicit_global_asset_job_def()
    told = []
    for most in (3, 3, 1):
        result = job.execute_in_process(
            instance=brought.instance,
            partition_key=key,
            run_config={"ops": {"colours": {"config": {"most": most}}}},
            raise_on_error=False,
        )
        assert result.success, failures(result)
        told.append(metadata_of(result)["colours"])
    assert [one["units_computed"] for one in told] == [4, 0, 4]
    assert told[2]["units_params"] == 4
    assert told[2]["dagster/row_count"] == 4
    columns = made.specs_by_key[dg.AssetKey("colours")].metadata["dagster/column_schema"].columns
    assert [one.name for one in columns] == list(own.schema)
    assert {one.name for one in made.check_specs} == {"few_units_are_skipped"}
    assert brought.behind() != {}, "a new table makes every partition behind"


def test_a_module_that_cannot_be_imported_is_named(brought: Workbench):
    brought.monkeypatch.setenv("MLOPS_TABLE_MODULES", '["no_such_tables"]')
    settings.cache_clear()
    all_tables.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match="cannot import 'no_such_tables'"):
            all_tables()
    finally:
        all_tables.cache_clear()
