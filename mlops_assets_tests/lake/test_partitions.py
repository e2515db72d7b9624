"""A partition may be called anything: it survives every kind of commit and of maintenance."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import MEDIA, Lake
from mlops_assets.lake.maintenance import compact_partition, vacuum_table
from mlops_assets_tests.lake.rows import add, numbers, replace

ODD = [
    "cam 1",
    "a=b",
    "it's",
    'say "x"',
    "a/b",
    "..",
    "100%",
    "a%20b",
    "a+b&c?d#e",
    "é",
    "e\u0301",
    "日本",
    "😀",
    "back\\slash",
    "tab\tnew\nline",
    " ",
    "-",
    "_hidden",
    ".dot",
    "null",
    "__HIVE_DEFAULT_PARTITION__",
    "a@b",
    "x" * 300,
]


def live(lake: Lake, source: str) -> None:
    """Add, rewrite, remove, compact, vacuum one partition beside a plain one."""
    partition, plain = MEDIA.of(source, "2026-11-20"), MEDIA.of("plain", "2026-11-20")
    add(lake, plain, [100])
    first, second = add(lake, partition, [1, 2], [3, 4])
    assert numbers(lake, partition) == [1, 2, 3, 4]
    replace(lake, partition, [first.path], [1, 5])
    assert numbers(lake, partition) == [1, 3, 4, 5]
    compaction = compact_partition(lake, "things", partition, at_least=2)
    assert compaction is not None
    assert (compaction.files_before, compaction.files_after) == (2, 1)
    vacuum_table(lake, "things", retention_hours=0)
    assert lake.store.size(f"tables/things/{second.path}") is None
    assert numbers(lake, partition) == [1, 3, 4, 5]
    everything = lake.scan("things")
    assert everything is not None
    found = everything.filter(pl.col("source") == source, pl.col("number") < 100).collect()
    assert sorted(found["number"]) == [1, 3, 4, 5]
    snapshot = lake.snapshot("things")
    assert snapshot is not None
    replace(lake, partition, snapshot.of(partition)["path"].to_list(), [9])
    assert numbers(lake, partition) == [9]
    assert numbers(lake, plain) == [100]


@pytest.mark.parametrize("source", ODD)
def test_a_partition_with_an_odd_name_lives_through_everything(lake, source):
    live(lake, source)


@pytest.mark.slow
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    source=st.text(min_size=1, max_size=40).filter(
        lambda text: "\0" not in text and text != "plain"
    )
)
def test_a_partition_with_any_name_lives_through_everything(tmp_path_factory, source):
    live(Lake.at(str(tmp_path_factory.mktemp("lake"))), source)


def test_odd_names_share_no_folder():
    folders = {MEDIA.of(source, "2026-11-20").folder for source in ODD}
    assert len(folders) == len(ODD)
    assert all(len(folder) < 120 and folder.isascii() for folder in folders)


@given(source=st.text(min_size=1), day=st.text(min_size=1).filter(lambda text: "@" not in text))
def test_a_key_leads_back_to_its_partition(source, day):
    assert MEDIA.parse(MEDIA.of(source, day).key) == MEDIA.of(source, day)


@pytest.mark.parametrize("key", ["", "cam", "@2026", "cam@", "@"])
def test_a_key_of_another_form_is_refused(key):
    with pytest.raises(ConfigurationError, match="is not of the form <source>@<day>"):
        MEDIA.parse(key)
