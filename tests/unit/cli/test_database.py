"""`respool db` and `respool keys` on a SQLite file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.database import ensure_key
from cli.main import main


@pytest.fixture
def data_dir(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The flag that names a directory with an up-to-date database."""
    flag = ["--data-dir", str(tmp_path / "data")]
    assert main(["db", "migrate", *flag], {}) == 0
    capsys.readouterr()
    return flag


@pytest.fixture
def database_url(tmp_path: Path, data_dir: list[str]) -> str:
    return f"sqlite:///{data_dir[1]}/respool.db"


def _rows(data_dir: list[str], capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    capsys.readouterr()
    assert main(["keys", "list", *data_dir], {}) == 0
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def test_schema_when_migrated_twice_stays_up_to_date(data_dir: list[str]) -> None:
    assert main(["db", "migrate", *data_dir], {}) == 0
    assert main(["db", "check", *data_dir], {}) == 0


def test_schema_when_missing_is_refused_with_the_command_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["db", "check"], {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.db"})

    assert status == 2
    assert "respool db migrate" in capsys.readouterr().err


def test_database_that_cannot_be_reached_is_one_line_without_its_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["db", "check"], {"DATABASE_URL": "postgresql://u:hidden@127.0.0.1:1/d"})

    error = capsys.readouterr().err
    assert status == 2
    assert error.startswith("respool: ")
    assert error.count("\n") == 1
    assert "hidden" not in error


def test_key_when_created_stands_alone_on_the_last_line(
    data_dir: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "--tenant", "acme", *data_dir], {}) == 0

    assert re.fullmatch(r"sk-\S{30,}", capsys.readouterr().out.splitlines()[-1])


def test_keys_when_listed_show_tenant_name_and_times(
    data_dir: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keys", "create", "--tenant", "acme", "--name", "ci runner", *data_dir], {})

    [[key_id, tenant, name, created, revoked]] = _rows(data_dir, capsys)

    assert key_id.startswith("key_")
    assert (tenant, name, revoked) == ("acme", "ci runner", "-")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)


def test_key_when_revoked_is_listed_with_its_time(
    data_dir: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keys", "create", "--tenant", "acme", *data_dir], {})
    [[key_id, *_]] = _rows(data_dir, capsys)

    assert main(["keys", "revoke", key_id, *data_dir], {}) == 0

    assert _rows(data_dir, capsys)[0][4] != "-"


def test_key_when_unknown_cannot_be_revoked(data_dir: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["keys", "revoke", "key_nobody", *data_dir], {})

    assert status == 1
    assert "key_nobody" in capsys.readouterr().err


def test_key_when_made_needs_the_secret_key(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["keys", "create", "--tenant", "t"], {"DATABASE_URL": database_url})

    assert status == 2
    assert "RESPOOL_SECRET_KEY" in capsys.readouterr().err


def test_known_key_while_good_is_kept(database_url: str) -> None:
    key = ensure_key(database_url, "pepper", "dev", "")

    assert ensure_key(database_url, "pepper", "dev", key) == key


def test_known_key_under_another_pepper_is_replaced(database_url: str) -> None:
    key = ensure_key(database_url, "pepper", "dev", "")

    assert ensure_key(database_url, "another", "dev", key) != key


def test_known_key_when_revoked_is_replaced(
    database_url: str, data_dir: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    key = ensure_key(database_url, "pepper", "dev", "")
    [[key_id, *_]] = _rows(data_dir, capsys)
    main(["keys", "revoke", key_id, *data_dir], {})

    assert ensure_key(database_url, "pepper", "dev", key) != key
