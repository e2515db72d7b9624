from __future__ import annotations

from mlops_assets_tests.operations.conftest import copied, empty, filled, filled_once

__all__ = ["copied", "empty", "filled", "filled_once"]
