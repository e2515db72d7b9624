"""What makes a table: declare it, say its lineage, plan, run, trace.

Rows know what they were made from; a run computes exactly the rows that are due. No Dagster, no
domain.
"""

from mlops_assets.rows.bring import Options, Outcome, bring
from mlops_assets.rows.history import History
from mlops_assets.rows.lineage import Grouped, Only, each, expand, group, pairs
from mlops_assets.rows.parents import Origin, Reading
from mlops_assets.rows.plans import Plan, make_plan
from mlops_assets.rows.row import Row
from mlops_assets.rows.tables import (
    HOW_IT_RUNS,
    Check,
    How,
    Producer,
    Rows,
    Table,
    Waking,
    table,
    tables,
)

__all__ = [
    "HOW_IT_RUNS",
    "Check",
    "Grouped",
    "History",
    "How",
    "Only",
    "Options",
    "Origin",
    "Outcome",
    "Plan",
    "Producer",
    "Reading",
    "Row",
    "Rows",
    "Table",
    "Waking",
    "bring",
    "each",
    "expand",
    "group",
    "make_plan",
    "pairs",
    "table",
    "tables",
]
