"""Settings: read once, refused loudly, and never shown where they are secret."""

from __future__ import annotations

import dataclasses

import pytest

from shared.errors import ConfigurationError
from shared.settings import Settings


def test_from_env_when_empty_then_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


def test_from_env_when_set_then_read_in_their_types() -> None:
    settings = Settings.from_env(
        {
            "PORT": "9000",
            "RESPOOL_LEASE_SECONDS": "3",
            "RESPOOL_HEARTBEAT_SECONDS": "1",
            "DATABASE_URL": "sqlite:///x",
        }
    )

    assert (settings.port, settings.lease_seconds, settings.database_url) == (9000, 3.0, "sqlite:///x")


def test_from_env_when_set_to_nothing_then_the_default() -> None:
    assert Settings.from_env({"PORT": "", "LOG_LEVEL": ""}) == Settings()


def test_from_env_when_a_name_is_misspelt_then_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="RESPOOL_LEASE_SECOND"):
        Settings.from_env({"RESPOOL_LEASE_SECOND": "3"})


def test_from_env_when_the_name_is_the_test_suites_or_a_strangers_then_ignored() -> None:
    assert Settings.from_env({"RESPOOL_TEST_REDIS_URL": "x", "HOME": "/", "RESPOOLED": "1"}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "80.5"),
        ("PORT", "-1"),
        ("RESPOOL_WIPE_SECONDS", "nan"),
        ("RESPOOL_WIPE_SECONDS", "inf"),
        ("RESPOOL_WIPE_SECONDS", "-0.1"),
        ("RESPOOL_WORKER_CONCURRENCY", "0"),
        ("RESPOOL_BACKGROUND_SHARE", "0"),
        ("RESPOOL_BACKGROUND_SHARE", "1.1"),
        ("RESPOOL_LEASE_SECONDS", "19.9"),
    ],
)
def test_from_env_when_a_value_cannot_work_then_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_env({name: value})


def test_broker_url_when_unset_then_the_logs_redis() -> None:
    assert Settings.from_env({"REDIS_URL": "redis://a/0"}).broker_url == "redis://a/0"


def test_broker_url_when_set_then_its_own() -> None:
    environ = {"REDIS_URL": "redis://a/0", "CELERY_BROKER_URL": "redis://b/1"}

    assert Settings.from_env(environ).broker_url == "redis://b/1"


def test_require_when_missing_then_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL is not set"):
        Settings().require("redis_url", "database_url")


def test_require_when_there_then_the_same_settings() -> None:
    settings = Settings(database_url="x")

    assert settings.require("database_url") is settings


def test_repr_when_printed_then_no_secret() -> None:
    secret = {f.name: "s3cr3t" for f in dataclasses.fields(Settings) if f.metadata["secret"]}

    assert secret
    assert "s3cr3t" not in repr(Settings(**secret))  # type: ignore[arg-type]


def test_fields_when_listed_then_each_says_its_variable_and_meaning() -> None:
    fields = dataclasses.fields(Settings)

    assert all(f.metadata["env"] and f.metadata["help"] for f in fields)
    assert len({f.metadata["env"] for f in fields}) == len(fields)
