"""The directory of one `respool dev`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cli.data_dir import DataDir
from shared.errors import ConfigurationError


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directory_when_prepared_is_the_owners_alone(directory: DataDir) -> None:
    assert _mode(directory.path) == 0o700


def test_directory_when_it_cannot_be_made_says_which(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match=r"file/data"):
        DataDir(tmp_path / "file" / "data").prepare()


def test_secret_key_when_asked_twice_is_the_same(directory: DataDir) -> None:
    assert directory.secret_key({}) == DataDir(directory.path).secret_key({})


def test_secret_key_when_made_is_the_owners_alone(directory: DataDir) -> None:
    directory.secret_key({})

    assert _mode(directory.path / "secret_key") == 0o600


def test_secret_key_when_given_first_is_kept(directory: DataDir) -> None:
    directory.secret_key({"RESPOOL_SECRET_KEY": "given"})

    assert directory.secret_key({}) == "given"


def test_secret_key_when_given_and_different_is_refused(directory: DataDir) -> None:
    directory.secret_key({})

    with pytest.raises(ConfigurationError, match="RESPOOL_SECRET_KEY differs"):
        directory.secret_key({"RESPOOL_SECRET_KEY": "another"})


def test_secret_key_when_its_file_is_empty_is_refused(directory: DataDir) -> None:
    (directory.path / "secret_key").touch()

    with pytest.raises(ConfigurationError, match="is empty"):
        directory.secret_key({})


def test_state_when_written_is_read_back_and_the_owners_alone(directory: DataDir) -> None:
    directory.write_state({"pids": {"api": 1}})

    assert directory.read_state() == {"pids": {"api": 1}}
    assert _mode(directory.path / "dev.json") == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff"])
def test_state_when_unreadable_is_empty(directory: DataDir, content: str) -> None:
    (directory.path / "dev.json").write_text(content, encoding="latin-1")

    assert directory.read_state() == {}


def test_state_when_written_leaves_no_other_file(directory: DataDir) -> None:
    directory.write_state({})

    assert {path.name for path in directory.path.iterdir() if path.is_file()} == {"dev.json"}


def test_lock_when_held_refuses_a_second_holder(directory: DataDir) -> None:
    with (
        directory.locked(),
        pytest.raises(ConfigurationError, match="another `respool dev`"),
        DataDir(directory.path).locked(),
    ):
        pass


def test_lock_when_released_can_be_taken_again(directory: DataDir) -> None:
    with directory.locked():
        pass

    with directory.locked():
        pass
