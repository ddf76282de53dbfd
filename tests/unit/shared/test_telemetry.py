"""Logs: one JSON object a line, and nothing that looks like a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from shared.telemetry import configure_logging, mask

SECRETS = ["k3yBody-0123456789abcdefghij_XYZ", "hunter2hunter2"]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        f"key sk-rsp-{SECRETS[0]} refused",
        f"key sk-{SECRETS[0]}",
        f"Authorization: Bearer {SECRETS[0]}",
        f"bearer: Bearer\t{SECRETS[0]}, again sk-abcd{SECRETS[0]}",
        f"postgresql://respool:{SECRETS[1]}@db:5432/respool",
        f"redis://:{SECRETS[1]}@cache/0 and rediss://u:{SECRETS[1]}@cache/1",
    ],
)
def test_mask_when_a_secret_is_in_the_text_then_cut(text: str) -> None:
    assert not any(secret in mask(text) for secret in SECRETS)


@pytest.mark.parametrize(
    "text", ["", "resp_0123456789abcdef", "http://127.0.0.1:8000/v1", "50% of 3 tasks-done"]
)
def test_mask_when_nothing_is_secret_then_unchanged(text: str) -> None:
    assert mask(text) == text


def test_log_when_written_then_one_json_object_a_line(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("worker", "info")

    logging.getLogger("respool.test").info("two\nlines of %s", "text", extra={"response_id": "resp_1"})

    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["role"], told["level"], told["logger"]) == ("worker", "INFO", "respool.test")
    assert (told["message"], told["response_id"]) == ("two\nlines of text", "resp_1")
    assert "attempt" not in told


def test_log_when_an_exception_holds_a_secret_then_masked(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("api", "INFO")

    try:
        raise ValueError(f"cannot use sk-rsp-{SECRETS[0]}")
    except ValueError:
        logging.getLogger("respool.test").exception("fault with Bearer %s", SECRETS[0])

    told = capsys.readouterr().err
    assert "ValueError" in json.loads(told)["exception"]
    assert SECRETS[0] not in told


def test_log_when_below_the_level_then_silent(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("api", "WARNING")

    logging.getLogger("respool.test").info("quiet")
    logging.getLogger("urllib3").info("quiet")

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["celery.worker.strategy", "celery.app.trace"])
def test_log_when_celery_says_a_line_for_a_bell_then_silent(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    configure_logging("worker", "INFO")

    logging.getLogger(name).info("Task respool.run_response[1] received")

    assert capsys.readouterr().err == ""
