"""Dagster's webserver and daemon, and the MLflow UI, as children that never outlive this one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from mlops_assets.errors import ConfigurationError
from mlops_assets.settings import settings

PROJECT = Path(__file__).parents[2]
START_LIMIT_S = 120.0
STOP_LIMIT_S = 20.0


@dataclass(frozen=True)
class Served:
    """Where the children answer."""

    dagster_url: str
    mlflow_url: str | None
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def serve(
    home: Path, environment: dict[str, str], *, with_mlflow: bool = False
) -> Iterator[Served]:
    """Run Dagster on a home while the block lasts; stop every child at its end, whatever happens.

    Args:
        home: folder of everything; `dagster/` in it becomes DAGSTER_HOME.
        environment: settings of the children.
        with_mlflow: also serve the MLflow UI.

    Raises:
        ConfigurationError: the webserver did not come up; the log says why.
    """
    prepare_home(home, environment)
    with _interruptible(), contextlib.ExitStack() as stack:
        port, log = free_port(3000), home / "dagster.log"
        command = ["dagster", "dev", "-w", str(PROJECT / "workspace.yaml"), "-p", str(port)]
        process = stack.enter_context(_child([*command, "-h", "127.0.0.1"], environment, log))
        mlflow = stack.enter_context(_mlflow(home, environment)) if with_mlflow else None
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, log)
        yield Served(url, mlflow, process)


_SINGLE_POOLS = """
import dagster
storage = dagster.DagsterInstance.get().event_log_storage
for pool in ("dbt", "maintenance", "train"):
    storage.set_concurrency_slots(pool, 1)
"""
"""Work that must not meet itself. A default limit alone was seen to let two runs overlap."""


def prepare_home(home: Path, environment: dict[str, str]) -> None:
    """Make the folders of a home, and Dagster's instance unless there is one."""
    for name in ("dagster", "landing", "lake"):
        (home / name).mkdir(parents=True, exist_ok=True)
    target = home / "dagster" / "dagster.yaml"
    if not target.exists():
        shutil.copyfile(PROJECT / "infra" / "dagster.local.yaml", target)
        command = [sys.executable, "-W", "ignore", "-c", _SINGLE_POOLS]
        subprocess.run(command, env=environment, check=True)


def environment_for(home: Path, **chosen: str) -> dict[str, str]:
    """The environment of the children: this one's, with the home and some settings."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "DAGSTER_HOME": str((home / "dagster").absolute()),
        "MLOPS_HOME": str(home.absolute()),
        "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "1200",
        "PYTHONWARNINGS": "ignore",
        **chosen,
    }


def free_port(wanted: int) -> int:
    """The wanted port of the loopback interface if it is free, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not held by the last run
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise ConfigurationError("no port of the loopback interface is free")


@contextlib.contextmanager
def _mlflow(home: Path, environment: dict[str, str]) -> Iterator[str]:
    port = free_port(5000)
    uri = f"sqlite:///{(home / 'mlflow.db').absolute()}"
    command = ["mlflow", "ui", "--backend-store-uri", uri, "--port", str(port)]
    quiet = {**environment, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    with _child(command, quiet, home / "mlflow.log"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _child(
    command: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own, stopped gently, then with all it started."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_default_interrupt,
        )
        try:
            yield process
        finally:
            _stop(process)


def _default_interrupt() -> None:
    """A shell may have set SIGINT to ignore for us; Dagster stops by it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    started = time.monotonic()
    while time.monotonic() - started < START_LIMIT_S:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/server_info", timeout=2):
            return
        time.sleep(0.5)
    raise ConfigurationError(f"Dagster did not come up; see {log}")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM, and SIGINT even where a shell ignores it, unwind the stack as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {one: signal.signal(one, interrupt) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def home_to_serve() -> Path:
    """The home a person named, else that of the latest demo, else the one of the settings."""
    home = settings().home
    demos = [home / name for name in ("demo", "own-media") if (home / name).is_dir()]
    if "MLOPS_HOME" in os.environ or not demos:
        return home
    return max(demos, key=lambda folder: folder.stat().st_mtime)


def main() -> None:
    """`make dev`: serve until Ctrl-C."""
    console = Console()
    home = home_to_serve()
    with (
        contextlib.suppress(KeyboardInterrupt),
        serve(home, environment_for(home), with_mlflow=True) as served,
    ):
        console.print(f"Dagster  {served.dagster_url}\nMLflow   {served.mlflow_url}")
        console.print(f"Landing  {home / 'landing'}\nHome     {home}\nCtrl-C stops everything.")
        served.process.wait()


if __name__ == "__main__":
    main()
