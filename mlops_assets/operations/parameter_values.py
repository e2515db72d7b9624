"""Parameters of tables: what holds, and how a person sets it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake, current_lake
from mlops_assets.landing.arrivals import known_arrivals
from mlops_assets.operations.naming import not_found
from mlops_assets.rows import Producer
from mlops_assets.rows.parameters import EVERY, check_value, effective
from mlops_assets.rows.parameters import set_parameters as state
from mlops_assets.tables import table_named


def user() -> str:
    """Who is at the keyboard; `unknown` where the system does not say."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def parameters(table: str, *, source: str | None = None, lake: Lake | None = None) -> pl.DataFrame:
    """The parameters of a table: `table`, `name`, `value` (JSON), `default` (JSON), `description`.

    Args:
        table: its name; tables that one function fills share their parameters.
        source: as they hold for this source; for all others for None.
        lake: which; the current one for None.

    Raises:
        ConfigurationError: there is no such table.
    """
    producer = table_named(table).producer
    held = effective(producer, lake or current_lake(), source or EVERY)
    rows = [
        (producer.name, n, _text(held[n]), _text(one.default), one.description)
        for n, one in producer.parameters.items()
    ]
    columns = ("table", "name", "value", "default", "description")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def set_parameters(
    table: str,
    values: Mapping[str, Any],
    *,
    source: str | None = None,
    by: str | None = None,
    lake: Lake | None = None,
) -> pl.DataFrame:
    """State parameters of a table; what they change is due from now on, for every run and sensor.

    Args:
        table: its name; tables that one function fills share their parameters.
        values: name to value; a text is read as JSON where it can be; None takes a value back.
        source: for this source only.
        by: who; the user of this process for None.
        lake: which; the current one for None.

    Returns:
        `table`, `name`, `source`, `before`, `value` (JSON) of what changed; empty for nothing.

    Raises:
        ConfigurationError: no such table or parameter, or a value out of bounds; nothing is set.
        InputError: nothing of that source ever landed (`not_found`).
    """
    lake = lake or current_lake()
    producer = table_named(table).producer
    _require_source(source, lake)
    scope = source or EVERY
    read = {name: read_value(producer, name, value) for name, value in values.items()}
    before = effective(producer, lake, scope)
    state(producer, lake, read, source=scope, by=by or user())
    now = effective(producer, lake, scope)
    rows = [
        (producer.name, name, scope, _text(before[name]), _text(now[name]))
        for name in read
        if before[name] != now[name]
    ]
    columns = ("table", "name", "source", "before", "value")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def read_value(producer: Producer, name: str, value: Any) -> Any:
    """A value as its parameter's type; text is read as JSON first, then as it stands.

    Raises:
        ConfigurationError: no such parameter, or the value is not allowed; says what is.
    """
    if not isinstance(value, str):
        return check_value(producer, name, value)
    try:
        read = json.loads(value)
    except json.JSONDecodeError:
        return check_value(producer, name, value)
    try:
        return check_value(producer, name, read)
    except ConfigurationError:
        parameter = producer.parameters.get(name)
        if parameter is None or not isinstance(parameter.default, str):
            raise
        return check_value(producer, name, value)  # a text such as 5 or true


def _require_source(source: str | None, lake: Lake) -> None:
    if source is None:
        return
    known = sorted(known_arrivals(lake)["source"].unique().to_list())
    if source not in known:
        there = ", ".join(known) or "none"
        raise not_found(f"nothing of source {source!r} ever landed; there are: {there}")


def _text(value: Any) -> str:
    return json.dumps(value)
