"""What one `respool dev` decides to run, and where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.data_dir import DataDir
from cli.plan import (
    Plan,
    api_role,
    check_providers,
    make_plan,
    plan_state,
    redis_role,
    upstream_role,
    without_password,
    worker_role,
)
from cli.ports import choose_port
from shared.errors import ConfigurationError

GIVEN = {
    "REDIS_URL": "redis://h:1/0",
    "DATABASE_URL": "postgresql://h/d",
    "RESPOOL_DEMO_UPSTREAM_URL": "http://h:2",
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "redis-server").touch(mode=0o755)
    return {"PATH": str(tmp_path)}


def _plan(environ: dict[str, str], directory: DataDir) -> Plan:
    return make_plan("127.0.0.1", choose_port(None, set()), environ, directory)


def test_plan_without_settings_runs_redis_and_upstream_on_loopback(
    environ: dict[str, str], directory: DataDir
) -> None:
    plan = _plan(environ, directory)

    assert plan.redis_url == f"redis://127.0.0.1:{plan.redis_port}/0"
    assert plan.upstream_url == f"http://127.0.0.1:{plan.upstream_port}"
    assert plan.database_url == directory.database_url


def test_plan_when_made_again_keeps_its_ports(environ: dict[str, str], directory: DataDir) -> None:
    first = _plan(environ, directory)
    directory.write_state(plan_state(first))

    second = _plan(environ, directory)

    assert (second.redis_port, second.upstream_port) == (first.redis_port, first.upstream_port)


def test_plan_when_made_uses_each_port_once(environ: dict[str, str], directory: DataDir) -> None:
    plan = _plan(environ, directory)

    assert len({plan.port, plan.redis_port, plan.upstream_port}) == 3


def test_plan_with_urls_given_runs_none_of_its_own(directory: DataDir) -> None:
    plan = _plan(GIVEN, directory)

    assert (plan.redis_url, plan.database_url, plan.upstream_url) == (
        "redis://h:1/0",
        "postgresql://h/d",
        "http://h:2",
    )
    assert redis_role(plan, GIVEN, directory) is None
    assert upstream_role(plan, GIVEN, directory) is None


def test_port_when_not_given_is_the_settings(environ: dict[str, str], directory: DataDir) -> None:
    port = choose_port(None, set())

    plan = make_plan("127.0.0.1", None, {**environ, "PORT": str(port)}, directory)

    assert plan.base_url == f"http://127.0.0.1:{port}/v1"


def test_port_when_zero_is_a_free_one(environ: dict[str, str], directory: DataDir) -> None:
    assert make_plan("127.0.0.1", 0, environ, directory).port > 0


@pytest.mark.parametrize("make_role", [api_role, worker_role])
def test_our_roles_when_started_get_the_callers_settings_and_the_plans(
    make_role: object, environ: dict[str, str], directory: DataDir
) -> None:
    assert callable(make_role)
    plan = _plan(environ, directory)

    role = make_role(plan, {**environ, "RESPOOL_LEASE_SECONDS": "3", "RESPOOL_CONFIG": "c.yaml"})

    assert role.environ["RESPOOL_LEASE_SECONDS"] == "3"
    assert role.environ["RESPOOL_CONFIG"] == "c.yaml"
    assert role.environ["DATABASE_URL"] == plan.database_url
    assert role.environ["REDIS_URL"] == plan.redis_url
    assert role.environ["RESPOOL_SECRET_KEY"] == plan.secret_key
    assert role.environ["RESPOOL_DEMO_UPSTREAM_URL"] == plan.upstream_url


@pytest.mark.parametrize("make_role", [redis_role, upstream_role])
def test_other_roles_when_started_get_no_secret(
    make_role: object, environ: dict[str, str], directory: DataDir
) -> None:
    assert callable(make_role)
    plan = _plan(environ, directory)

    role = make_role(plan, {**environ, "OPENAI_API_KEY": "sk-x", "RESPOOL_SECRET_KEY": "s"}, directory)

    assert {"OPENAI_API_KEY", "RESPOOL_SECRET_KEY", "DATABASE_URL"} & set(role.environ) == set()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@h:6379/0", "redis://h:6379/0"),
        ("postgresql://u:p%40@h/d?password=x", "postgresql://h/d"),
        ("sqlite:////data/respool.db", "sqlite:////data/respool.db"),
    ],
)
def test_url_when_printed_has_no_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_redis_when_on_the_path_is_the_one_started(environ: dict[str, str], directory: DataDir) -> None:
    role = redis_role(_plan(environ, directory), environ, directory)

    assert role is not None
    assert role.command[0] == shutil.which("redis-server", path=environ["PATH"])


def test_check_providers_when_the_file_relies_on_the_demo_then_right(
    tmp_path: Path, environ: dict[str, str], directory: DataDir
) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text("default_provider: demo\n")
    environ["RESPOOL_CONFIG"] = str(file)

    check_providers(_plan(environ, directory), environ)


def test_check_providers_when_the_file_is_wrong_then_its_line(
    tmp_path: Path, environ: dict[str, str], directory: DataDir
) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text("default_provider: dmo\n")
    environ["RESPOOL_CONFIG"] = str(file)

    with pytest.raises(ConfigurationError, match=r"line 1: default_provider: .* mean 'demo'"):
        check_providers(_plan(environ, directory), environ)
