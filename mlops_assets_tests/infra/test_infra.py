from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
IMAGES = ["Dockerfile", "Dockerfile.gpu"]
CHART_KEYS = {
    "additionalInstanceConfig", "busybox", "computeLogManager", "dagster-user-deployments",
    "dagsterDaemon", "dagsterWebserver", "extraManifests", "flower", "fullnameOverride",
    "generateCeleryConfigSecret", "generatePostgresqlPasswordSecret", "global",
    "imagePullSecrets", "ingress", "migrate", "nameOverride", "pipelineRun", "postgresql",
    "pythonLogs", "rabbitmq", "rbacEnabled", "redis", "retention", "runLauncher", "scheduler",
    "serviceAccount", "telemetry",
}  # fmt: skip
"""Top level of values.yaml in Dagster's chart."""


def parsed(name: str) -> dict[str, Any]:
    return yaml.safe_load((INFRA / name).read_text())


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return parsed("compose.yaml")


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def instructions(name: str, what: str) -> list[str]:
    joined = (INFRA / name).read_text().replace("\\\n", " ")
    return [line.partition(" ")[2] for line in joined.splitlines() if line.startswith(what + " ")]


def environment_of(name: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(instructions(name, "ENV"))))


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_copies_what_exists_and_what_its_ignore_file_lets_through(image: str):
    copied = [source for line in instructions(image, "COPY") for source in line.split()[:-1]]
    allowed = (INFRA / f"{image}.dockerignore").read_text()
    assert {"pyproject.toml", "mlops_assets", "dbt_metadata"} <= set(copied)
    for source in copied:
        if source != "README.md":  # comes with the documentation
            assert (ROOT / source).exists(), source
        assert f"!{source}\n" in allowed or source.startswith("mlops_assets/")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_installs_from_the_constraints_and_pins_nothing_itself(image: str):
    installs = [line for line in instructions(image, "RUN") if "pip install" in line]
    assert all("-c constraints.txt" in line for line in installs)
    assert "==" not in " ".join(installs)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_parses_the_kpis_and_then_gives_up_root(image: str):
    text = (INFRA / image).read_text()
    assert text.index("COPY dbt_metadata") < text.index("dbt parse") < text.index("USER mlops")
    assert environment_of(image)["DBT_PROJECT_DIR"] == "/app/dbt_metadata"


def test_both_images_hold_the_same_platform():
    cpu, gpu = (instructions(image, "COPY") for image in IMAGES)
    assert cpu == gpu
    assert instructions("Dockerfile", "CMD") == instructions("Dockerfile.gpu", "CMD")


def test_compose_has_every_part_of_the_platform(compose: dict[str, Any]):
    parts = {"postgres", "store", "bucket", "mlflow", "code", "pools", "webserver", "daemon"}
    assert set(compose["services"]) == parts


def test_compose_waits_only_for_services_it_has(compose: dict[str, Any]):
    for service in compose["services"].values():
        assert set(service.get("depends_on", ())) <= set(compose["services"])
        named = {v.partition(":")[0] for v in service.get("volumes", ()) if v[0].isalpha()}
        assert named <= set(compose["volumes"])


def test_compose_builds_its_image_from_a_file_that_exists_and_pins_the_others(
    compose: dict[str, Any],
):
    for service in compose["services"].values():
        if "build" in service:
            build = service["build"]
            assert (INFRA / build["context"] / build["dockerfile"]).is_file()
        else:
            assert re.search(r":[\w.-]*\d", service["image"])
            assert not service["image"].endswith("latest")


def test_compose_gives_every_variable_that_dagster_and_the_settings_ask_for(
    compose: dict[str, Any],
):
    from mlops_assets.settings import Settings

    given = {**compose["services"]["code"]["environment"], **environment_of("Dockerfile")}
    asked = re.findall(r"env: (\w+)", (INFRA / "dagster.yaml").read_text())
    assert len(asked) == 5
    assert set(asked) <= set(given)
    known = {f"MLOPS_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in given if name.startswith("MLOPS_")} <= known


def test_the_webserver_finds_the_code_location(compose: dict[str, Any]):
    server = parsed("workspace.yaml")["load_from"][0]["grpc_server"]
    command = compose["services"][server["host"]]["command"]
    assert f"-p {server['port']}" in command
    assert f"--location-name {server['location_name']}" in command
    own = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert own["location_name"] == server["location_name"]
    assert f"-m {own['module_name']}" in command


def test_every_pool_of_the_platform_has_a_limit(compose: dict[str, Any]):
    from mlops_assets.tables import all_producers

    commands = compose["services"]["pools"]["command"][-1]
    limited = dict(re.findall(r"set (\w+) (\d+)", commands))
    pools = {producer.how.pool for producer in all_producers()} - {None}
    assert set(limited) == pools | {"dbt"}
    assert limited["dbt"] == "1"


def test_dagster_accepts_the_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All of it but the storage, for which there is no PostgreSQL here."""
    import dagster as dg
    from dagster._core.instance.config import dagster_instance_config

    config = parsed("dagster.yaml")
    for name in re.findall(r"env: (\w+)", (INFRA / "dagster.yaml").read_text()):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
    checked, _ = dagster_instance_config(str(tmp_path))
    assert "postgres" in checked["storage"]
    del config["storage"]
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.run_monitoring_enabled
        assert not instance.run_retries_enabled
        assert not instance.telemetry_enabled
        pools = instance.get_concurrency_config().pool_config
        assert pools.default_pool_limit == 1
        assert str(pools.pool_granularity).endswith("OP")


def test_postgresql_storage_takes_what_the_file_says(monkeypatch: pytest.MonkeyPatch):
    import dagster as dg
    from dagster._config import process_config
    from dagster_postgres import DagsterPostgresStorage

    for name in ("HOST", "USER", "PASSWORD", "DB"):
        monkeypatch.setenv(f"DAGSTER_POSTGRES_{name}", "x")
    given = parsed("dagster.yaml")["storage"]["postgres"]
    schema = dg.Shape(DagsterPostgresStorage.config_type())  # pyright: ignore[reportArgumentType]
    result = process_config(schema, given)
    assert result.success, result.errors


def test_helm_values_use_keys_of_the_chart_and_the_version_of_the_constraints(
    pins: dict[str, str],
):
    values = parsed("values.yaml")
    text = (INFRA / "values.yaml").read_text()
    assert set(values) <= CHART_KEYS
    assert f"--version {pins['dagster']}" in text
    assert f"dagster-k8s=={pins['dagster-postgres']}" in text  # libraries are released together
    assert values["runLauncher"]["type"] == "K8sRunLauncher"
    deployment = values["dagster-user-deployments"]["deployments"][0]
    assert deployment["dagsterApiGrpcArgs"][1] == "mlops_assets.definitions"


def test_no_file_holds_a_secret():
    for file in INFRA.iterdir():
        for line in file.read_text().splitlines():
            key, _, value = line.partition(":")
            if re.search(r"(?i)(password|secret_key|access_key)$", key.strip(' "')) and value:
                assert "${" in value or "env:" in value, f"{file.name}: {line}"


def test_docker_accepts_the_compose_file(monkeypatch: pytest.MonkeyPatch):
    docker = shutil.which("docker")
    known = docker and subprocess.run([docker, "compose", "version"], capture_output=True)
    if not known or known.returncode:
        pytest.skip("no docker compose here")
    for name in ("POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
        monkeypatch.setenv(name, "x")
    command = [str(docker), "compose", "-f", str(INFRA / "compose.yaml"), "config", "--quiet"]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
