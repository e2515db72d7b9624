"""The judgement of a whole folder with no platform behind it: every file a row, whatever it does.

`check_folder` walks, and has each file looked at and decoded in processes that can be killed.
"""

from __future__ import annotations

from mlops_assets.gates.checking.folder import FileVerdict, check_folder
from mlops_assets.gates.checking.isolation import Isolation

__all__ = ["FileVerdict", "Isolation", "check_folder"]
