"""The map: one file per table. Reading the file names is reading the architecture.

`raw_media` -> `decodings` (with `frames`, `moments`) -> `optical_flows`, `frame_embeddings` ->
`predictions`; `optical_flows` -> `motion_anomalies`; `raw_media` -> `documents` -> `text_chunks`
-> `chunk_embeddings`; `raw_media` -> `labels`; all of them -> `drift_profiles` ->
`drift_verdicts`; labels and features -> `snapshots` -> `models`. `frames` -> `sightings`; measures
and sightings -> `screenings`, which grants leave to what a model reads; `decodings` ->
`near_duplicates`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from importlib.metadata import entry_points

from mlops_assets.errors import ConfigurationError
from mlops_assets.rows import Producer, Table
from mlops_assets.settings import settings

ENTRY_POINT = "mlops_assets.tables"


@lru_cache(maxsize=1)
def all_tables() -> dict[str, Table]:
    """Every table by name, parents before children: those of this package and the user's own.

    The user's modules are named by the setting `MLOPS_TABLE_MODULES` (a JSON list) or by entry
    points of the group `mlops_assets.tables`; a package stands for all its modules.

    Raises:
        ConfigurationError: a module cannot be imported, or two tables have one name.
    """
    found: dict[str, Table] = {}
    for name in _modules():
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, Table) and found.setdefault(value.name, value) is not value:
                raise ConfigurationError(f"two tables are named {value.name!r}; one is in {name}")
    return _in_order(found)


def all_producers() -> list[Producer]:
    """Every function that fills tables, parents before children."""
    return list(dict.fromkeys(table.producer for table in all_tables().values()))


def table_named(name: str) -> Table:
    """The table of a name.

    Raises:
        ConfigurationError: there is none; says which there are.
    """
    tables = all_tables()
    if name not in tables:
        raise ConfigurationError(f"there is no table {name!r}; there are: {', '.join(tables)}")
    return tables[name]


def _modules() -> list[str]:
    asked = [*settings().table_modules, *(e.value for e in entry_points(group=ENTRY_POINT))]
    return [module for name in (__name__, *asked) for module in _with_submodules(name)]


def _with_submodules(name: str) -> list[str]:
    try:
        module = importlib.import_module(name)
    except ImportError as err:
        raise ConfigurationError(f"MLOPS_TABLE_MODULES: cannot import {name!r}: {err}") from err
    paths = getattr(module, "__path__", None)
    inner = [] if paths is None else [m.name for m in pkgutil.iter_modules(paths, f"{name}.")]
    return [*([] if name == __name__ else [name]), *inner]


def _in_order(tables: dict[str, Table]) -> dict[str, Table]:
    ordered: dict[str, Table] = {}

    def place(table: Table) -> None:
        for parent in table.producer.lineage.parents:
            if isinstance(parent, Table):
                place(parent)
        for sibling in table.producer.tables:
            ordered.setdefault(sibling.name, sibling)

    for table in tables.values():
        place(table)
    return ordered
