"""The grammar of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.parser import build_parser


def test_dev_without_flags_has_the_documented_defaults() -> None:
    arguments = build_parser().parse_args(["dev"])

    assert (arguments.host, arguments.port, arguments.data_dir) == ("127.0.0.1", None, Path("var"))


def test_serve_without_flags_listens_on_loopback_with_one_process() -> None:
    arguments = build_parser().parse_args(["serve"])

    assert (arguments.host, arguments.port, arguments.processes) == ("127.0.0.1", None, 1)


def test_work_without_flags_uses_threads() -> None:
    arguments = build_parser().parse_args(["work"])

    assert (arguments.pool, arguments.concurrency, arguments.data_dir) == ("threads", None, None)


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["work"],
        ["db", "migrate"],
        ["db", "check"],
        ["keys", "create", "--tenant", "t"],
        ["keys", "list"],
        ["keys", "revoke", "key_1"],
    ],
)
def test_every_command_when_given_a_data_dir_takes_it(command: list[str]) -> None:
    arguments = build_parser().parse_args([*command, "--data-dir", "here"])

    assert arguments.data_dir == Path("here")


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["db"],
        ["keys", "create"],
        ["keys", "create", "--tenant", ""],
        ["keys", "create", "--tenant", "a\tb"],
        ["keys", "create", "--tenant", " a"],
        ["keys", "create", "--tenant", "a", "--name", "x\ny"],
        ["keys", "revoke"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "-1"],
        ["serve", "--port", "٣"],
        ["serve", "--processes", "0"],
        ["work", "--concurrency", "1.5"],
        ["work", "--pool", "prefork"],
    ],
)
def test_command_line_when_wrong_ends_with_status_2(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(wrong)

    assert ended.value.code == 2
    assert "respool" in capsys.readouterr().err
