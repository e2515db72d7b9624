"""Parameters as state: the declared default, a value set for a table, a value set for a source.

Every plan, run and sensor reads the same statements, so nothing computes a partition back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake, Ledger
from mlops_assets.rows.tables import Parameter, Producer

EVERY = "*"

PARAMETERS = Ledger(
    "parameters",
    pl.Schema(
        {
            "table": pl.String(),
            "name": pl.String(),
            "source": pl.String(),
            "value": pl.String(),
            "set_by": pl.String(),
            "recorded_at": pl.Datetime("us", "UTC"),
        }
    ),
    ("table", "name", "source"),
)
"""Who set which parameter to what, and when; `source` is `*` for all, `value` is JSON."""


def effective(producer: Producer, lake: Lake, source: str) -> dict[str, Any]:
    """The value of every parameter of a producer for one source."""
    return resolve(producer, PARAMETERS.latest(lake), source)


def resolve(producer: Producer, stated: pl.DataFrame, source: str) -> dict[str, Any]:
    """As `effective`, from statements already read (`PARAMETERS.latest`)."""
    values = {name: parameter.default for name, parameter in producer.parameters.items()}
    told = stated.select("source", "table", "name", "value").rows()
    for scope in (EVERY, source):
        for of, table, name, value in told:
            if (of, table) == (scope, producer.name) and name in values and value is not None:
                values[name] = json.loads(value)
    return values


def set_parameters(
    producer: Producer,
    lake: Lake,
    values: Mapping[str, Any],
    *,
    source: str = EVERY,
    by: str,
    now: datetime | None = None,
) -> dict[str, Any]:
    """State new values; those already stated for this very source are not stated again.

    Args:
        producer: whose parameters.
        lake: where they are kept.
        values: name to value; None takes a value back.
        source: for one source; `*` for all.
        by: who sets them.
        now: when; the time of the call for None.

    Returns:
        What was stated.

    Raises:
        ConfigurationError: no such parameter, or a value out of its bounds; nothing is stated.
    """
    checked = {name: check_value(producer, name, value) for name, value in values.items()}
    stated = PARAMETERS.latest(lake)
    before = _stated_for(producer, stated, source)
    changed = {name: v for name, v in checked.items() if before.get(name, ...) != v}
    rows = [
        {
            "table": producer.name,
            "name": name,
            "source": source,
            "value": None if value is None else json.dumps(value),
            "set_by": by,
            "recorded_at": now or datetime.now(UTC),
        }
        for name, value in changed.items()
    ]
    PARAMETERS.append(lake, pl.DataFrame(rows, schema=PARAMETERS.schema))
    return changed


def _stated_for(producer: Producer, stated: pl.DataFrame, source: str) -> dict[str, Any]:
    """What is stated for exactly this source; for all sources, else the declared default."""
    mine = stated.filter((pl.col("table") == producer.name) & (pl.col("source") == source))
    values = {name: p.default for name, p in producer.parameters.items()} if source == EVERY else {}
    told = {n: None if v is None else json.loads(v) for n, v in mine.select("name", "value").rows()}
    kept = {name: value for name, value in told.items() if value is not None}
    unset = dict.fromkeys(producer.parameters) if source != EVERY else {}
    return {**unset, **values, **kept}


def check_value(producer: Producer, name: str, value: Any) -> Any:
    """A value as the parameter's type; text is read as JSON where the type is no text.

    Raises:
        ConfigurationError: no such parameter, or the value is not allowed; says what is.
    """
    parameter = producer.parameters.get(name)
    if parameter is None:
        known = ", ".join(producer.parameters) or "none"
        raise ConfigurationError(f"{producer.name} has no parameter {name!r}; it has: {known}")
    if value is None:
        return None
    try:
        return TypeAdapter(parameter.annotation).validate_python(value, strict=False)
    except ValidationError as err:
        problem = err.errors()[0]
        raise ConfigurationError(
            f"{producer.name}.{name}={value!r}: {problem['msg']} ({_type_name(parameter)})"
        ) from err


def _type_name(parameter: Parameter) -> str:
    plain = getattr(parameter.annotation, "__origin__", parameter.annotation)
    return getattr(plain, "__name__", str(plain)).replace("typing.", "")


def version_of(producer: Producer, values: Mapping[str, Any]) -> str:
    """What is stored as `_ver`: `3|{"rate_hz":1.0}`, so that a difference can be explained."""
    return f"{producer.version}|{canonical(_versioned(producer, values))}"


def current_versions(producer: Producer, values: Mapping[str, Any]) -> list[str]:
    """Every `_ver` that counts as current under these values."""
    told = canonical(_versioned(producer, values))
    return [f"{version}|{told}" for version in (producer.version, *producer.accepts)]


def _versioned(producer: Producer, values: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the content of rows: parameters and pins, not how the function runs."""
    running = {name for name, one in producer.parameters.items() if not one.is_versioned}
    return {name: value for name, value in values.items() if name not in running}


def canonical(values: Mapping[str, Any]) -> str:
    """Values as JSON, equal for equal values."""
    return json.dumps(dict(values), sort_keys=True, separators=(",", ":"))
