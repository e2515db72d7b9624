"""What a gate finds in a file."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_assets.gates.table import GATES


@dataclass(frozen=True)
class Finding:
    """A gate that a file did not pass.

    Attributes:
        code: of `GATES`; its severity says what it means.
        message: what a person reads.
    """

    code: str
    message: str

    @property
    def is_fatal(self) -> bool:
        """Whether it keeps the file out."""
        return GATES[self.code].severity == "quarantine"


def find(code: str, detail: str = "") -> Finding:
    """A finding in the words of the table."""
    return Finding(code, GATES[code].message(detail))
