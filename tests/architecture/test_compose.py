"""compose.yaml is valid, and starts the roles in the order and with the durability they need."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import yaml

from cli.parser import build_parser
from tests.architecture.tree import read

_WORDS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_DURATION = {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"}
_SCALARS = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
_HEALTH = {
    "type": "object",
    "required": ["test", "interval", "timeout", "retries"],
    "additionalProperties": False,
    "properties": {
        "test": {**_WORDS, "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}]},
        "interval": _DURATION,
        "timeout": _DURATION,
        "start_period": _DURATION,
        "retries": {"type": "integer", "minimum": 1},
    },
}
_CONDITION = {
    "type": "object",
    "required": ["condition"],
    "additionalProperties": False,
    "properties": {
        "condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}
    },
}
_SERVICE = {
    "type": "object",
    "required": ["image", "restart"],
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string", "pattern": "^[a-z0-9./_-]+:[A-Za-z0-9._-]+$"},
        "build": {"type": "string"},
        "command": _WORDS,
        "environment": _SCALARS,
        "ports": _WORDS,
        "volumes": _WORDS,
        "depends_on": {"type": "object", "additionalProperties": _CONDITION},
        "healthcheck": _HEALTH,
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "stop_grace_period": _DURATION,
        "read_only": {"type": "boolean"},
        "tmpfs": _WORDS,
        "cap_drop": _WORDS,
        "security_opt": _WORDS,
    },
}
_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["name", "services", "volumes"],
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9_-]+$"},
        "services": {"type": "object", "additionalProperties": _SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": "object", "maxProperties": 0}},
    },
}
_OURS = ("api", "worker", "migrate")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load(read("compose.yaml"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found = compose["services"]
    assert isinstance(found, dict)
    return found


def test_compose_when_validated_fits_the_schema(compose: dict[str, Any]) -> None:
    problems = [
        f"{error.json_path}: {error.message}"
        for error in jsonschema.Draft202012Validator(_SCHEMA).iter_errors(compose)
    ]

    assert problems == []


def test_compose_runs_the_five_roles(services: dict[str, Any]) -> None:
    assert set(services) == {"api", "worker", "migrate", "postgres", "redis"}


def test_compose_checks_the_health_of_all_that_keeps_running(services: dict[str, Any]) -> None:
    unchecked = {name for name, service in services.items() if "healthcheck" not in service}

    assert unchecked == {"migrate"}


@pytest.mark.parametrize("role", ["api", "worker"])
def test_compose_starts_roles_after_schema_and_stores(services: dict[str, Any], role: str) -> None:
    assert {name: need["condition"] for name, need in services[role]["depends_on"].items()} == {
        "migrate": "service_completed_successfully",
        "postgres": "service_healthy",
        "redis": "service_healthy",
    }


def test_compose_migrates_once_and_after_the_database_is_healthy(services: dict[str, Any]) -> None:
    migrate = services["migrate"]

    assert migrate["restart"] == "no"
    assert migrate["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_compose_redis_keeps_what_it_acknowledged(services: dict[str, Any]) -> None:
    command = services["redis"]["command"]

    options = dict(zip(command[1::2], command[2::2], strict=True))

    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--appendonly"] == "yes"


def test_compose_keeps_the_data_in_named_volumes(compose: dict[str, Any]) -> None:
    used = {
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    }

    assert used == set(compose["volumes"]) == {"postgres", "redis", "spool"}


@pytest.mark.parametrize("role", ["api", "worker"])
def test_compose_gives_the_providers_file_to_whoever_reads_it(services: dict[str, Any], role: str) -> None:
    assert services[role]["environment"]["RESPOOL_CONFIG"] == "${RESPOOL_CONFIG:-}"
    # the folder: of a mounted file an editor's new one is not seen
    assert "./config:/config:ro" in services[role]["volumes"]


def test_compose_publishes_the_api_alone(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["api"]


@pytest.mark.parametrize("role", _OURS)
def test_compose_commands_are_commands_of_respool(services: dict[str, Any], role: str) -> None:
    arguments = build_parser().parse_args(services[role]["command"])

    assert arguments.command == {"api": "serve", "worker": "work", "migrate": "db"}[role]


def test_compose_uses_one_image_for_our_roles(services: dict[str, Any]) -> None:
    assert len({services[role]["image"] for role in _OURS}) == 1
