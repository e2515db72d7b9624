"""What Dagster remembers, reached without Dagster: its side of it runs in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlops_assets.errors import ConfigurationError
from mlops_assets.settings import settings

_MODULE = "mlops_assets.defs.erasing"
_LIMIT_S = 900


@dataclass(frozen=True)
class Remembered:
    """What Dagster has of some partitions.

    Attributes:
        runs: that are finished.
        unfinished: that are queued or at work.
    """

    runs: int
    unfinished: int


class History(Protocol):
    """The memory of runs: their events, with pictures and examples of rows in them."""

    def count(self, partitions: Sequence[str]) -> Remembered:
        """The runs of some partitions."""
        ...

    def erase(self, partitions: Sequence[str]) -> Remembered:
        """Forget the finished runs of some partitions with all they left; what was there."""
        ...

    def traces(self, names: Sequence[str]) -> list[str]:
        """Where anything that is no local file, such as a database server, holds one of them."""
        ...


class NoHistory:
    """Where no Dagster ever ran."""

    def count(self, partitions: Sequence[str]) -> Remembered:
        """Nothing."""
        return Remembered(0, 0)

    erase = count

    def traces(self, names: Sequence[str]) -> list[str]:
        """Nowhere."""
        return []


@dataclass(frozen=True)
class DagsterHistory:
    """The instance of a Dagster home, in a process of its own.

    Args:
        home: the folder that `DAGSTER_HOME` names.
    """

    home: Path

    def count(self, partitions: Sequence[str]) -> Remembered:
        """See `History.count`."""
        return Remembered(**self._ask("count", partitions))

    def erase(self, partitions: Sequence[str]) -> Remembered:
        """See `History.erase`."""
        return Remembered(**self._ask("erase", partitions))

    def traces(self, names: Sequence[str]) -> list[str]:
        """See `History.traces`."""
        return list(self._ask("traces", names)["places"])

    def _ask(self, action: str, words: Sequence[str]) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", _MODULE, action],
            input=json.dumps(list(words)),
            env={**os.environ, "DAGSTER_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        if done.returncode:
            told = done.stderr.strip().splitlines()
            raise ConfigurationError(
                f"Dagster's history in {self.home}: {told[-1] if told else 'it stopped'}"
            )
        return json.loads(done.stdout.splitlines()[-1])


def dagster_home() -> Path | None:
    """`DAGSTER_HOME`, else `dagster` in the platform's home; None when there is neither."""
    named = os.environ.get("DAGSTER_HOME")
    folder = Path(named) if named else settings().home / "dagster"
    return folder.absolute() if (folder / "dagster.yaml").is_file() else None


def history_of_settings() -> History:
    """The history of this installation."""
    home = dagster_home()
    return NoHistory() if home is None else DagsterHistory(home)
