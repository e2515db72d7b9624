"""Runs and versions of models in MLflow, behind our own words.

A version is a run's Lightning module in MLflow's own format for everybody, and beside it, in the
run's artifacts, the head that this package scores with, without torch.
"""

from __future__ import annotations

import base64
import binascii
import json
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.models.head import Head
from mlops_assets.models.mlflow_bridge import load_mlflow
from mlops_assets.models.training import TrainedHead

if TYPE_CHECKING:
    from mlflow import MlflowClient

Alias = Literal["champion", "challenger"]
HEAD_FILE = "head.safetensors"
PROFILES_FILE = "reference_profiles.json"
TABLES_FILE = "table_versions.json"
ENVIRONMENT_FILE = "environment.json"
_PACKAGES = ("mlops-assets", "torch", "lightning", "numpy", "polars", "mlflow", "deltalake")
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class TrainingRecord:
    """All that is kept of a training.

    Args:
        trained: the head and its module.
        example: (N, D) float32, a few rows of features, N >= 2; they fix the model's signature.
        params: what the training was told, by name.
        metrics: finite numbers by name.
        table_versions: Delta version of every table read, by table.
        reference_profiles: payloads of drift profiles by feature, of the data learnt from.
        artifacts: further files by name, such as `confusion.png`.
        tags: further tags, such as the snapshot.
    """

    trained: TrainedHead
    example: np.ndarray
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    table_versions: Mapping[str, int] = field(default_factory=dict)
    reference_profiles: Mapping[str, bytes] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoggedTraining:
    """A training that is in MLflow: the run, and where its model lies."""

    run_id: str
    model_uri: str


@dataclass(frozen=True)
class ModelRef:
    """One registered version of a model and the run that made it."""

    model_name: str
    version: int
    run_id: str
    tags: Mapping[str, str]


ChampionRef = ModelRef


@dataclass(frozen=True)
class ModelRegistry:
    """An MLflow tracking store with its registry, and one experiment in it.

    Args:
        tracking_uri: such as `sqlite:////data/mlflow.db`; a plain folder is refused by MLflow 3.
        experiment: name of the experiment.
        artifact_location: URI or folder of its artifacts, used when it is created. Without one,
            MLflow would write into whatever the working directory is.
    """

    tracking_uri: str
    experiment: str
    artifact_location: str

    def ensure_experiment(self) -> str:
        """Create the experiment if it is missing; its id."""
        client = self._client()
        with _operator_errors(f"experiment {self.experiment!r} in {self.tracking_uri}"):
            found = client.get_experiment_by_name(self.experiment)
            if found is not None:
                return found.experiment_id
            return client.create_experiment(
                self.experiment, artifact_location=self.artifact_location
            )

    @staticmethod
    def has_active_run() -> bool:
        """Whether a run is active in this process, such as one that dagster-mlflow started."""
        return load_mlflow().active_run() is not None

    @contextmanager
    def training_run(
        self, *, name: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Iterator[str]:
        """An MLflow run outside Dagster; gives its id, ends FINISHED, or FAILED on an exception."""
        mlflow = load_mlflow()
        experiment_id = self.ensure_experiment()
        with self._selected():
            run = mlflow.start_run(
                experiment_id=experiment_id,
                run_name=name,
                tags=dict(tags or {}),
                nested=mlflow.active_run() is not None,
            )
            with run:
                yield run.info.run_id

    def log_training(self, record: TrainingRecord, *, run_id: str | None = None) -> LoggedTraining:
        """Log a training with everything that is needed to understand and to repeat it.

        Args:
            record: what to log.
            run_id: a run to log into; it is resumed and, unless it was active, ended FINISHED. None
                takes the active run, such as the one dagster-mlflow started.

        Raises:
            ConfigurationError: no run is active and none was named, or the store refuses.
        """
        with self._selected(), self._run(run_id) as active_id:
            self._log_numbers(record, active_id)
            self._log_files(record, active_id)
            return LoggedTraining(active_id, _log_model(record))

    def register(
        self, model_name: str, logged: LoggedTraining, *, tags: Mapping[str, str] | None = None
    ) -> ModelRef:
        """Make a logged training a version of a model; the model is created if it is missing.

        Registering the same run again gives the version it already has.
        """
        for known in self.versions(model_name):
            if known.run_id == logged.run_id:
                return known
        client = self._client()
        with self._selected(), _operator_errors(f"registering {model_name!r}"):
            if _or_none(lambda: client.get_registered_model(model_name)) is None:
                client.create_registered_model(model_name)
            made = client.create_model_version(
                model_name, source=logged.model_uri, run_id=logged.run_id, tags=dict(tags or {})
            )
        return _ref(made)

    def set_alias(self, model_name: str, alias: Alias, version: int) -> None:
        """Point an alias at a version. Takes effect at once, which makes it the rollback too.

        Raises:
            ConfigurationError: there is no such version.
        """
        with _operator_errors(f"alias {alias!r} of {model_name!r} to version {version}"):
            self._client().get_model_version(model_name, str(version))
            self._client().set_registered_model_alias(model_name, alias, str(version))

    def by_alias(self, model_name: str, alias: Alias) -> ModelRef | None:
        """The version an alias points at; None if there is no such model or alias."""
        client = self._client()
        with _operator_errors(f"alias {alias!r} of {model_name!r}"):
            found = _or_none(lambda: client.get_model_version_by_alias(model_name, alias))
        return None if found is None else _ref(found)

    def champion(self, model_name: str) -> ModelRef | None:
        """The version in use; None if there is none."""
        return self.by_alias(model_name, "champion")

    def challenger(self, model_name: str) -> ModelRef | None:
        """The version that wants its place; None if there is none."""
        return self.by_alias(model_name, "challenger")

    def versions(self, model_name: str) -> list[ModelRef]:
        """All versions, oldest first; empty for an unknown model."""
        quoted = model_name.replace("'", "''")
        with _operator_errors(f"versions of {model_name!r}"):
            found = self._client().search_model_versions(f"name = '{quoted}'")
        return sorted((_ref(version) for version in found), key=lambda ref: ref.version)

    def load_head(self, model_name: str, version: int) -> Head:
        """The head of a version; imports neither torch nor Lightning.

        Raises:
            ConfigurationError: there is no such version, or its file is gone.
            InputError: `damaged_head`.
        """
        return Head.from_bytes(self.load_artifact(self._run_of(model_name, version), HEAD_FILE))

    def load_reference_profiles(self, model_name: str, version: int) -> dict[str, bytes]:
        """The drift profiles a version is held against, payloads by feature; empty if none.

        Raises:
            ConfigurationError: there is no such version, or its file is gone.
            InputError: `damaged_profile`.
        """
        run_id = self._run_of(model_name, version)
        return unpack_profiles(self.load_artifact(run_id, PROFILES_FILE))

    def load_artifact(self, run_id: str, path: str) -> bytes:
        """Bytes of one file of a run.

        Raises:
            ConfigurationError: there is no such run or file.
        """
        with tempfile.TemporaryDirectory() as folder, _operator_errors(f"{path} of run {run_id}"):
            return Path(self._client().download_artifacts(run_id, path, folder)).read_bytes()

    def _run_of(self, model_name: str, version: int) -> str:
        with _operator_errors(f"version {version} of {model_name!r}"):
            found = self._client().get_model_version(model_name, str(version))
        return str(found.run_id)

    def _client(self) -> MlflowClient:
        """A client of this store; MLflow imports a store's driver when the first one is made."""
        mlflow = load_mlflow()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's use of SQLAlchemy
            return mlflow.MlflowClient(
                tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri
            )

    @contextmanager
    def _selected(self) -> Iterator[None]:
        """Point MLflow's global tracking URI at this store, and back again."""
        mlflow = load_mlflow()
        self._client()
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(self.tracking_uri)
        try:
            yield
        finally:
            mlflow.set_tracking_uri(before)

    @contextmanager
    def _run(self, run_id: str | None) -> Iterator[str]:
        mlflow = load_mlflow()
        active = mlflow.active_run()
        if run_id is None and active is None:
            raise ConfigurationError("no MLflow run is active; start one or name a run id")
        if active is not None and run_id in (None, active.info.run_id):
            yield active.info.run_id
            return
        with _operator_errors(f"run {run_id}"):
            run = mlflow.start_run(run_id=run_id, nested=active is not None)
        with run:
            yield run.info.run_id

    def _log_numbers(self, record: TrainingRecord, run_id: str) -> None:
        mlflow = load_mlflow()
        tables = {f"table.{name}": version for name, version in record.table_versions.items()}
        finite = {name: float(v) for name, v in record.metrics.items() if np.isfinite(v)}
        trained = record.trained
        mlflow.log_params({**record.params, **tables}, run_id=run_id)
        mlflow.log_metrics({**finite, "epochs": trained.epochs}, run_id=run_id)
        for step, loss in enumerate(trained.losses):
            self._client().log_metric(run_id, "loss", loss, step=step)
        mlflow.set_tags({**record.tags, "feature_version": trained.head.feature_version})

    def _log_files(self, record: TrainingRecord, run_id: str) -> None:
        files = {
            **record.artifacts,
            HEAD_FILE: record.trained.head.to_bytes(),
            PROFILES_FILE: pack_profiles(record.reference_profiles),
            TABLES_FILE: _json(dict(record.table_versions)),
            ENVIRONMENT_FILE: _json(package_versions()),
        }
        with tempfile.TemporaryDirectory() as folder:
            for name, payload in files.items():
                (Path(folder) / name).write_bytes(payload)
            self._client().log_artifacts(run_id, folder)


def package_versions() -> dict[str, str]:
    """Versions of the packages a model depends on; those not installed are left out."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def pack_profiles(profiles: Mapping[str, bytes]) -> bytes:
    """Profiles by feature as one JSON file; equal profiles give equal bytes."""
    return _json({name: base64.b64encode(payload).decode() for name, payload in profiles.items()})


def unpack_profiles(payload: bytes) -> dict[str, bytes]:
    """Read what `pack_profiles` wrote.

    Raises:
        InputError: `damaged_profile`.
    """
    try:
        packed = json.loads(payload)
        return {name: base64.b64decode(text, validate=True) for name, text in packed.items()}
    except (ValueError, binascii.Error, AttributeError, TypeError) as err:
        raise InputError(f"file of profiles is damaged: {err}", reason="damaged_profile") from err


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()


def _log_model(record: TrainingRecord) -> str:
    """Log the module as an exported program that gives probabilities; its model URI."""
    load_mlflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow and the exporter warn about their own insides
        return _export_model(record)


def _export_model(record: TrainingRecord) -> str:
    from mlflow.pytorch import log_model
    from torch import nn

    model = nn.Sequential(record.trained.module, nn.Softmax(dim=1)).eval()
    requirements = [f"{name}=={package_versions()[name]}" for name in ("torch", "numpy", "mlflow")]
    info = log_model(
        model,
        name="model",
        input_example=np.ascontiguousarray(record.example, dtype=np.float32),
        serialization_format="pt2",
        pip_requirements=requirements,
    )
    return info.model_uri


def _ref(version: Any) -> ModelRef:
    return ModelRef(
        model_name=version.name,
        version=int(version.version),
        run_id=str(version.run_id),
        tags=dict(version.tags or {}),
    )


def _or_none(read: Any) -> Any:
    """What a reader gives, or None where MLflow says there is no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return read()
    except MlflowException as err:
        if err.error_code in _ABSENT:
            return None
        raise


@contextmanager
def _operator_errors(what: str) -> Iterator[None]:
    """Turn what MLflow raises into an error an operator can act on."""
    load_mlflow()
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as err:
        raise ConfigurationError(f"MLflow: {what}: {err}") from err
