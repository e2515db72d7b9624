"""Every setting, typed, read once from the environment (`MLOPS_...`).

A wrong value is a `ConfigurationError` that names the variable, the value and what is right.
"""

from __future__ import annotations

import tomllib
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from mlops_assets.errors import ConfigurationError


class SourceRow(BaseModel):
    """What an operator states of one source: a table in the TOML of `MLOPS_SOURCES`.

    Every other key is an option of its connector.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    connector: str = Field(
        default="", description="name or module:Class; none for the landing zone"
    )
    allowed_stores: tuple[str, ...] = Field(
        default=(), description="prefixes its bytes may lie under"
    )
    every_s: float = Field(default=60, ge=0, description="least time between two looks")
    max_item_gb: float = Field(default=20, gt=0, description="a larger item is not fetched")
    timeout_s: float = Field(default=900, gt=0, description="longest time to fetch one item")

    @property
    def options(self) -> dict[str, Any]:
        """The options of the connector, as they were written."""
        return dict(self.model_extra or {})


class Settings(BaseSettings):
    """What an operator may choose. Defaults need nothing but a folder to write to."""

    model_config = SettingsConfigDict(env_prefix="MLOPS_", env_ignore_empty=True, extra="ignore")

    home: Path = Field(Path(".mlops_assets"), description="folder of everything embedded")
    landing: str = Field("", description="landing zone; default <home>/landing")
    lake: str = Field("", description="folder or URL (s3://...) of tables and vault")
    lake_options: dict[str, str] = Field({}, description="object store options, as JSON")
    mlflow_uri: str = Field("", description="MLflow tracking URI; default sqlite in <home>")
    table_modules: list[str] = Field([], description="modules with further tables, as JSON")
    vault_mode: Literal["copy", "reference"] = "copy"
    partition_max_files: int = Field(10_000, ge=1, description="a partition rolls over here")
    partition_max_gb: float = Field(200, gt=0, description="or here")
    sources: str = Field("", description="TOML of sources, or its file; <home>/sources.toml")
    landing_files: int = Field(5_000, ge=1, description="files one look takes in at most")
    landing_gb: float = Field(20, gt=0, description="bytes one look takes in, likewise")
    landing_open: int = Field(4, ge=1, description="items fetched at a time")
    backlog_files: int = Field(100_000, ge=1, description="so many waiting, and none is listed")
    settle_s: float = Field(5, ge=0, description="a file unchanged this long has landed")
    workers: int = Field(0, ge=0, description="worker processes; 0: one per core")
    unit_timeout_s: float = Field(900, gt=0, description="longest time one file may take")
    worker_memory_gb: float = Field(8, gt=0, description="data memory of one worker process")
    run_files: int = Field(200, ge=1, description="files one run takes before the next goes on")
    run_gb: float = Field(20, gt=0, description="bytes of files one run takes, likewise")
    orphan_limit: float = Field(0.5, gt=0, le=1, description="share one run may remove")
    retention: dict[str, float] = Field({}, description="days to keep by source, as JSON")
    tombstones: str = Field("", description="copies of tombstones; default <home>/tombstones")
    raft_weights: str = Field("", description="RAFT weights, .pth or .safetensors; empty: no raft")
    keep_runs_days: int = Field(90, ge=0, description="Dagster runs older go; 0 keeps all")
    alert_url: str = Field("", description="webhook for failed checks; empty: none is told")
    look_back_days: int = Field(30, ge=0, description="how far a promotion reaches back")
    model: str = Field("scene", description="name of the registered model")
    cool_down_s: float = Field(3600, ge=0, description="least time between two trainings")
    show: list[str] = Field(["open"], description="policies shown as they are, as JSON")
    train_on: list[str] = Field(["open", "private"], description="policies to learn from, as JSON")
    min_labelled: int = Field(20, ge=2, description="labelled media before the first training")

    @property
    def landing_folder(self) -> Path:
        """The landing zone as a folder."""
        return Path(self.landing) if self.landing else self.home / "landing"

    @cached_property
    def source_rows(self) -> dict[str, SourceRow]:
        """The sources that are stated, by name, in the order they are written.

        Raises:
            ConfigurationError: no such file, no TOML, or a value that is not allowed.
        """
        inline = "=" in self.sources
        file = Path(self.sources) if self.sources and not inline else self.home / "sources.toml"
        where = "MLOPS_SOURCES" if inline else str(file)
        if not self.sources and not file.exists():
            return {}
        try:
            stated = tomllib.loads(self.sources if inline else file.read_text())
            return TypeAdapter(dict[str, SourceRow]).validate_python(stated)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
            raise ConfigurationError(f"{where}: {err}; expected TOML, a table a source") from err
        except ValidationError as err:
            raise ConfigurationError(f"{where}: {_explain(err, prefix='')}") from err

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


def _explain(err: ValidationError, *, prefix: str = "MLOPS_") -> str:
    def named(place: tuple[int | str, ...]) -> str:
        return prefix + "_".join(map(str, place)).upper() if prefix else ".".join(map(str, place))

    return "\n".join(f"{named(one['loc'])}={one['input']!r}: {one['msg']}" for one in err.errors())
