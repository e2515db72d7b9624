"""What is let in: the table of gates, the door, and the judgement of whole folders.

`GATES` holds every reason and flag; `admit` looks at one landed file, its
headers, packets and sidecar, without decoding it;
`checking` judges folders, decode pass included, in processes that can be killed.
"""

from __future__ import annotations

from mlops_assets.gates.admit import Admission, admit
from mlops_assets.gates.captured import Clock, captured_at_from_name
from mlops_assets.gates.labels_file import (
    LabelLine,
    LabelProblem,
    LabelsFile,
    is_labels_file,
    read_labels_csv,
)
from mlops_assets.gates.limits import Limits
from mlops_assets.gates.sidecars import (
    Pairs,
    Sidecar,
    SidecarLabel,
    pair_sidecars,
    read_sidecar,
)
from mlops_assets.gates.table import GATES, Gate

__all__ = [
    "GATES",
    "Admission",
    "Clock",
    "Gate",
    "LabelLine",
    "LabelProblem",
    "LabelsFile",
    "Limits",
    "Pairs",
    "Sidecar",
    "SidecarLabel",
    "admit",
    "captured_at_from_name",
    "is_labels_file",
    "pair_sidecars",
    "read_labels_csv",
    "read_sidecar",
]
