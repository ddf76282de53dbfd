"""`respool providers`: what it lists, and what it says of accounts that work and that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.main import main
from tests.support.servers import free_port
from upstream import launch

FILE = """
providers:
  good:
    base_url: {url}/v1
    api_key: upstream-key
    models: [mock, demo]
  mapped:
    base_url: {url}/v1
    api_key: upstream-key
    models: {{ours: mock}}
  any:
    base_url: {url}/v1
    api_key: upstream-key
  refused:
    base_url: {url}/v1
    api_key: bad-key
    models: [demo]
  elsewhere:
    base_url: {url}/v9
    api_key: upstream-key
    models: [demo]
  busy:
    base_url: {url}/v1
    api_key: upstream-key
    models: ["mock!fault=refuse:503"]
  cut:
    base_url: {url}/v1
    api_key: upstream-key
    models: ["mock-n9!fault=cut:2"]
  down:
    base_url: http://127.0.0.1:{closed}/v1
    models: [demo]
  keyless:
    base_url: {url}/v1
    api_key_file: /nowhere/key
    models: [demo]
aliases:
  quick:
    - {{provider: any, model: demo}}
    - {{provider: good, model: mock, weight: 0}}
"""


@pytest.fixture
def environ(tmp_path: Path, upstream: launch.Running) -> dict[str, str]:
    file = tmp_path / "providers.yaml"
    file.write_text(FILE.format(url=upstream.url, closed=free_port()))
    return {"RESPOOL_CONFIG": str(file)}


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_list_when_asked_then_a_row_for_each(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["providers", "list"], environ) == 0

    rows = [line.split() for line in lines(capsys)]
    assert [row[0] for row in rows[:4]] == ["NAME", "good", "mapped", "any"]
    assert rows[1][1:3] == ["(default)", "responses"]
    assert rows[1][4:] == ["mock,", "demo", "quick"]
    assert rows[2][3:] == ["ours=mock", "-"]
    assert rows[3][3:] == ["(any)", "quick"]


def test_list_when_asked_then_no_key(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["providers", "list"], environ)

    assert "upstream-key" not in capsys.readouterr().out


@pytest.mark.parametrize(("name", "model"), [("good", "mock"), ("mapped", "mock"), ("any", "demo")])
def test_test_when_all_works_then_ok(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], name: str, model: str
) -> None:
    assert main(["providers", "test", name], environ) == 0

    assert [line.partition(": ok (")[0] for line in lines(capsys)] == [
        f"{name}/{model}  plain text",
        f"{name}/{model}  streamed text",
        f"{name}/{model}  tool call",
    ]


def test_test_when_a_model_is_named_then_that_one(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["providers", "test", "mapped", "--model", "mock"], environ)

    assert lines(capsys)[0].startswith("mapped/mock  plain text: ")


@pytest.mark.parametrize(
    ("name", "said", "next_step"),
    [
        ("refused", "upstream_auth", "check `api_key`"),
        ("keyless", "upstream_auth", "check `api_key`"),
        ("elsewhere", "upstream_refused", "check the model's name, and that `base_url`"),
        ("busy", "upstream_overloaded", "ask again later"),
        ("down", "upstream_unreachable", "check `base_url`"),
        ("cut", "upstream_disconnected", "look at the server's log"),
    ],
)
def test_test_when_something_fails_then_said_with_what_to_do(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], name: str, said: str, next_step: str
) -> None:
    assert main(["providers", "test", name], environ) == 1

    output = capsys.readouterr().out
    assert f": {said}: " in output
    assert f"Next: {next_step}" in output


def test_test_when_the_server_is_down_then_asked_once(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["providers", "test", "down"], environ)

    assert len(lines(capsys)) == 1


def test_test_when_asked_then_the_price_is_said(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["providers", "test", "down"], environ)

    assert "paid for" in capsys.readouterr().err


def test_test_when_one_of_several_fails_then_status_1_and_the_others_are_asked(
    tmp_path: Path, upstream: launch.Running, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "providers.yaml"
    down = f"down: {{base_url: 'http://127.0.0.1:{free_port()}/v1', models: [mock]}}"
    good = f"good: {{base_url: '{upstream.url}/v1', api_key: upstream-key, models: [mock]}}"
    file.write_text(f"providers:\n  {down}\n  {good}\n")

    assert main(["providers", "test"], {"RESPOOL_CONFIG": str(file)}) == 1
    assert [line.split("/")[0] for line in lines(capsys)] == ["down", "good", "good", "good"]


def test_test_when_no_model_is_known_then_said(
    tmp_path: Path, upstream: launch.Running, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text(f"providers: {{a: {{base_url: '{upstream.url}/v1'}}}}")

    assert main(["providers", "test"], {"RESPOOL_CONFIG": str(file)}) == 1
    assert "--model M" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["list"], ["test"]])
def test_either_when_there_are_no_providers_then_said(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["providers", *command], {}) == 2
    assert "there are no providers" in capsys.readouterr().err


def test_test_when_the_name_is_unknown_then_the_known_ones(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["providers", "test", "nobody"], environ) == 2
    assert "there are: good, mapped" in capsys.readouterr().err


def test_either_when_the_file_has_several_mistakes_then_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text("providers:\n  a:\n    base_url: x\n    modles: [m]\n")

    assert main(["providers", "list"], {"RESPOOL_CONFIG": str(file)}) == 2

    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith("has 2 mistakes:")
    assert [line.split(": ")[0] for line in said[1:]] == ["  line 3", "  line 4"]


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_role_when_the_file_is_wrong_then_it_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text("defautl_provider: a\n")
    environ = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "RESPOOL_SECRET_KEY": "pepper",
        "RESPOOL_CONFIG": str(file),
    }

    assert main([command], environ) == 2
    assert "line 1: defautl_provider: unknown key; did you mean" in capsys.readouterr().err
