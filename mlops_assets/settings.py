"""Every setting, typed, read once from the environment (`MLOPS_...`).

A wrong value is a `ConfigurationError` that names the variable, the value and what is right.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from mlops_assets.errors import ConfigurationError


class Settings(BaseSettings):
    """What an operator may choose. Defaults need nothing but a folder to write to."""

    model_config = SettingsConfigDict(env_prefix="MLOPS_", extra="ignore")

    home: Path = Field(Path(".mlops_assets"), description="folder of everything embedded")
    landing: str = Field("", description="landing zone; default <home>/landing")
    lake: str = Field("", description="folder or URL (s3://...) of tables and vault")
    lake_options: dict[str, str] = Field({}, description="object store options, as JSON")
    mlflow_uri: str = Field("", description="MLflow tracking URI; default sqlite in <home>")
    table_modules: list[str] = Field([], description="modules with further tables, as JSON")
    vault_mode: Literal["copy", "reference"] = "copy"
    partition_max_files: int = Field(10_000, ge=1, description="a partition rolls over here")
    partition_max_gb: float = Field(200, gt=0, description="or here")
    settle_s: float = Field(5, ge=0, description="a file unchanged this long has landed")
    workers: int = Field(0, ge=0, description="worker processes; 0: one per core")
    unit_timeout_s: float = Field(900, gt=0, description="longest time one file may take")
    worker_memory_gb: float = Field(8, gt=0, description="data memory of one worker process")
    run_files: int = Field(200, ge=1, description="files one run takes before the next goes on")
    run_gb: float = Field(20, gt=0, description="bytes of files one run takes, likewise")
    orphan_limit: float = Field(0.5, gt=0, le=1, description="share one run may remove")
    keep_runs_days: int = Field(90, ge=0, description="Dagster runs older go; 0 keeps all")
    look_back_days: int = Field(30, ge=0, description="how far a promotion reaches back")
    model: str = Field("scene", description="name of the registered model")
    cool_down_s: float = Field(3600, ge=0, description="least time between two trainings")
    min_labelled: int = Field(20, ge=2, description="labelled media before the first training")

    @property
    def landing_folder(self) -> Path:
        """The landing zone as a folder."""
        return Path(self.landing) if self.landing else self.home / "landing"

    @property
    def lake_root(self) -> str:
        """URL or absolute folder of the lake."""
        return self.lake or str((self.home / "lake").absolute())

    @property
    def mlflow_tracking_uri(self) -> str:
        """Where MLflow keeps runs and the registry."""
        return self.mlflow_uri or f"sqlite:///{(self.home / 'mlflow.db').absolute()}"

    @property
    def mlflow_artifacts(self) -> str:
        """Where MLflow keeps artifacts of the default experiment."""
        return (self.home / "mlflow-artifacts").absolute().as_uri()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationError: a variable has a value that is not allowed.
    """
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as err:
        raise ConfigurationError(_explain(err)) from err
    except SettingsError as err:  # a list or a mapping that is no JSON
        raise ConfigurationError(f"MLOPS_...: {err}; lists and mappings are JSON") from err


def _explain(err: ValidationError) -> str:
    lines = [
        f"MLOPS_{'_'.join(map(str, problem['loc'])).upper()}={problem['input']!r}: {problem['msg']}"
        for problem in err.errors()
    ]
    return "\n".join(lines)
