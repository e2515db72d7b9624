"""What is let in: the gates at the door, from headers, packets and sidecars, never from pixels.

`admit` looks at one landed file and says what it is and whether it is fit; each refusal carries a
reason code out of `REASONS`, which says what a person reads.
"""

from __future__ import annotations

from mlops_assets.gates.admit import Admission, admit
from mlops_assets.gates.captured import captured_at_from_name
from mlops_assets.gates.labels_file import (
    LabelLine,
    LabelProblem,
    LabelsFile,
    is_labels_file,
    read_labels_csv,
)
from mlops_assets.gates.limits import Limits
from mlops_assets.gates.reasons import REASONS, Reason
from mlops_assets.gates.sidecar import Sidecar, SidecarLabel, read_sidecar

__all__ = [
    "REASONS",
    "Admission",
    "LabelLine",
    "LabelProblem",
    "LabelsFile",
    "Limits",
    "Reason",
    "Sidecar",
    "SidecarLabel",
    "admit",
    "captured_at_from_name",
    "is_labels_file",
    "read_labels_csv",
    "read_sidecar",
]
