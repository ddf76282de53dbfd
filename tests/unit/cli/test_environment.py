"""Where a command's settings come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.data_dir import DataDir
from cli.environment import child_environment, command_environment
from shared.errors import ConfigurationError


@pytest.fixture
def directory(directory: DataDir) -> DataDir:
    directory.secret_key({"RESPOOL_SECRET_KEY": "pepper"})
    return directory


def test_environment_without_a_data_dir_is_the_callers() -> None:
    assert command_environment({"DATABASE_URL": "x"}, None) == {"DATABASE_URL": "x"}


def test_environment_with_a_data_dir_uses_its_file_and_key(directory: DataDir) -> None:
    env = command_environment({}, directory.path)

    assert env == {
        "DATABASE_URL": directory.database_url,
        "RESPOOL_SECRET_KEY": "pepper",
        "RESPOOL_SPOOL_DIR": str(directory.spool),
    }


def test_environment_with_a_data_dir_beats_the_urls_given(directory: DataDir) -> None:
    directory.write_state({"redis_url": "redis://127.0.0.1:7/0", "upstream_url": "http://127.0.0.1:8"})

    env = command_environment({"DATABASE_URL": "x", "REDIS_URL": "y"}, directory.path)

    assert env["DATABASE_URL"] == directory.database_url
    assert env["REDIS_URL"] == "redis://127.0.0.1:7/0"
    assert env["RESPOOL_DEMO_UPSTREAM_URL"] == "http://127.0.0.1:8"


def test_environment_with_a_data_dir_that_used_another_database_uses_that(directory: DataDir) -> None:
    directory.write_state({"database_url": "postgresql://h/d"})

    assert command_environment({}, directory.path)["DATABASE_URL"] == "postgresql://h/d"


def test_environment_with_a_data_dir_that_was_moved_uses_the_file_in_it(directory: DataDir) -> None:
    directory.write_state({"database_url": "sqlite:////elsewhere/respool.db"})

    assert command_environment({}, directory.path)["DATABASE_URL"] == directory.database_url


def test_environment_with_a_missing_data_dir_is_refused_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no data directory"):
        command_environment({}, tmp_path / "typo")

    assert not (tmp_path / "typo").exists()


def test_environment_with_a_missing_data_dir_makes_it_where_asked_to(tmp_path: Path) -> None:
    env = command_environment({}, tmp_path / "new", create=True)

    assert env["RESPOOL_SECRET_KEY"]
    assert (tmp_path / "new").is_dir()


def test_child_environment_when_made_finds_our_packages_first() -> None:
    root = str(Path(__file__).resolve().parents[3])

    env = child_environment({"PYTHONPATH": f"/a:{root}"}, {"REDIS_URL": "r"})

    assert env == {"PYTHONPATH": f"{root}:/a", "REDIS_URL": "r"}
