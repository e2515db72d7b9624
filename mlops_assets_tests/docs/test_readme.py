"""What the pages promise is there: targets, commands, paths, settings, tables, rooms."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from mlops_assets_tests.docs.pages import PAGES, PROJECT, README, blocks, section, spoken

TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
SETTING = re.compile(r"\bMLOPS_[A-Z_]*[A-Z]\b")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)\)")
ROOT = r"(?:mlops_assets|mlops_assets_tests|dbt_metadata|infra|docs|benchmarks)"
PATH = re.compile(rf"(?<![\w./-])({ROOT}/[\w./-]*)")


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_is_named_exists(page):
    targets = set(TARGET.findall((PROJECT / "Makefile").read_text()))
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", spoken(PAGES[page])))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_mlops_command_that_is_named_exists(page):
    named = set(re.findall(r"(?:^|bin/)mlops ([a-z-]+)", spoken(PAGES[page]), re.MULTILINE))
    assert named <= set(commands())


def test_the_readme_shows_every_mlops_command():
    shown = set(re.findall(r"mlops ([a-z-]+)", spoken(README)))
    assert set(commands()) <= shown


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_is_shown_is_one_of_the_command(page):
    for line in spoken(PAGES[page]).splitlines():
        found = re.match(r"(?:\S*/)?mlops ([a-z-]+) (.*)", line)
        if found:
            words = found[2].split()
            command = commands()[found[1]]
            below = getattr(command, "commands", {})
            named = [part for word in words[:1] for part in word.split("|")] if below else []
            for one in [below[name] for name in named] or [command]:
                taken = {option for parameter in one.params for option in parameter.opts}
                assert set(re.findall(r"(?<!\S)--[a-z-]+", found[2])) <= taken, line


def commands():
    """Every command and group of commands by name."""
    from typer.main import get_command

    from mlops_assets.cli import app

    return get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page):
    home = (PROJECT / page).parent
    named = {PROJECT / path for path in PATH.findall(spoken(PAGES[page]))}
    linked = {home / path for path in LINK.findall(PAGES[page])}
    assert [path for path in sorted(named | linked) if not path.exists()] == []


def test_the_settings_of_the_readme_are_those_of_the_code():
    from mlops_assets.settings import Settings

    fields = {f"MLOPS_{name.upper()}" for name in Settings.model_fields}
    told = section(README, "Settings")
    assert set(SETTING.findall(told)) == fields
    assert set(SETTING.findall(README)) <= fields


def test_the_defaults_of_the_readme_are_those_of_the_code():
    from mlops_assets.settings import Settings

    rows = re.findall(r"^\| `MLOPS_(\w+)` \| `([^`<]+)` \|", section(README, "Settings"), re.M)
    told = {name.lower(): default for name, default in rows}
    assert len(told) > 10
    stated = {name: Settings.model_fields[name].default for name in told}
    lists = {name: json.dumps(value) for name, value in stated.items() if isinstance(value, list)}
    assert told == {name: str(value) for name, value in {**stated, **lists}.items()}


def test_every_room_is_on_the_map_of_folders():
    rooms = {init.parent.name for init in (PROJECT / "mlops_assets").glob("*/__init__.py")}
    mapped = re.findall(r"^\| `mlops_assets/(\w+)/` \|", section(README, "Where things are"), re.M)
    assert set(mapped) == rooms


def test_every_table_is_in_the_graph():
    from mlops_assets.tables import all_tables

    (graph,) = blocks(README, "mermaid")
    assert [name for name in all_tables() if not re.search(rf"\b{name}\b", graph)] == []


def test_every_parent_of_a_table_is_before_it_in_the_graph():
    from mlops_assets.rows import Table
    from mlops_assets.tables import all_producers

    (graph,) = blocks(README, "mermaid")
    arrows = "\n".join(_arrows(graph))
    for producer in all_producers():
        head = "decode" if producer.name == "decodings" else producer.name
        read = [one.parent for one in producer.lineage.readings]
        parents = [parent.name for parent in read if isinstance(parent, Table)]
        for parent in parents if "snapshots" not in parents else []:
            assert f"{parent} {head}" in arrows


def _arrows(graph: str) -> list[str]:
    """Each solid arrow of a flow chart as `from to`; chains and `&` taken apart."""
    found = []
    for line in graph.splitlines():
        ends = [re.findall(r"\b[a-z_]+", re.sub(r"[({].*", "", e)) for e in line.split("-->")]
        steps = itertools.pairwise(ends)
        found += [f"{a} {b}" for left, right in steps for a in left for b in right]
    return found


def test_the_three_lines_of_python_and_the_table_compile():
    for number, block in enumerate(blocks(README, "python")):
        compile(block, f"README.md block {number}", "exec")


def test_the_json_of_the_readme_is_a_sidecar_without_a_fault():
    from mlops_assets.gates import read_sidecar

    (told,) = blocks(README, "json")
    sidecar = read_sidecar(told.encode())
    assert sidecar.labels
    assert sidecar.captured_at is not None
    assert sidecar.extra == {"site": "north-gate"}


@pytest.mark.parametrize("page", PAGES)
def test_no_place_is_left_to_be_filled(page):
    assert re.findall(r"\bTODO\b|\bFIXME\b|\bTBD\b|[A-Z]+_OUTPUT", PAGES[page]) == []
