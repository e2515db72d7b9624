"""The table of `docs/gates.md`, as it should be; run as a module to print it."""

from __future__ import annotations

from mlops_assets.gates import GATES, Gate, Limits

HEAD = "| code | at | effect | limit | set by | what a person reads |\n|---|---|---|---|---|---|"


def gates_as_markdown() -> str:
    """Every gate, a line each, in the order in which a file meets them."""
    return "\n".join([HEAD, *(_line(gate) for gate in GATES.values())])


def _line(gate: Gate) -> str:
    limit = f"{getattr(Limits(), gate.limit):_}".replace("_", " ") if gate.limit else ""
    parameter = f"`{gate.parameter}`" if gate.parameter else ""
    return (
        f"| `{gate.code}` | {gate.stage} | {gate.severity} | {limit} | {parameter} | {gate.says} |"
    )


if __name__ == "__main__":
    import sys

    sys.stdout.write(gates_as_markdown() + "\n")
