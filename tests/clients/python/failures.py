"""What goes wrong reaches the program as the SDK's own typed errors; what helps is repeated, nothing else."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

import openai
from openai import OpenAI

from tests.clients.python.report import Scenario, same

NOBODY = "resp_" + "0" * 48


def unknown_response(client: OpenAI) -> None:
    error = _refused(openai.NotFoundError, lambda: client.responses.retrieve(NOBODY))
    same(error.status_code, 404)
    assert NOBODY in error.message and error.request_id.startswith("req_")


def bad_request(client: OpenAI) -> None:
    error = _refused(
        openai.BadRequestError,
        lambda: client.responses.create(model="plain", input="hello", max_output_tokens=3),
    )
    same((error.code, error.param), ("integer_below_min_value", "max_output_tokens"))
    same((error.type, error.status_code), ("invalid_request_error", 400))
    assert error.request_id.startswith("req_")


def wrong_key(client: OpenAI) -> None:
    with OpenAI(api_key="sk-wrong", max_retries=0) as stranger:
        error = _refused(
            openai.AuthenticationError, lambda: stranger.responses.create(model="plain", input="hello")
        )
    same((error.status_code, error.code), (401, "invalid_api_key"))


def unknown_model(client: OpenAI) -> None:
    error = _refused(
        openai.NotFoundError, lambda: client.responses.create(model="strict/nobodys", input="hello")
    )
    same((error.code, error.param), ("model_not_found", "model"))


def unknown_previous_response(client: OpenAI) -> None:
    error = _refused(
        openai.BadRequestError,
        lambda: client.responses.create(model="plain", input="hello", previous_response_id=NOBODY),
    )
    same((error.code, error.param), ("previous_response_not_found", "previous_response_id"))


def retry_obeys_retry_after(client: OpenAI) -> None:
    began = time.monotonic()
    error = _refused(
        openai.RateLimitError,
        lambda: client.with_options(max_retries=1).responses.create(
            model="plain!fault=refuse:429:1", input="hello"
        ),
    )
    same((error.code, error.response.headers["retry-after"]), ("rate_limit_exceeded", "1"))
    same(_tries(error), 2)
    assert time.monotonic() - began >= 1, "it did not wait as it was told"


def retry_succeeds(client: OpenAI) -> None:
    _script("fault=refuse:429:1")
    response = client.with_options(max_retries=1).responses.create(model="plain", input="try again")
    same(response.status, "completed")


def no_retry_of_400(client: OpenAI) -> None:
    error = _refused(
        openai.BadRequestError,
        lambda: client.with_options(max_retries=2).responses.create(
            model="plain!fault=refuse:400", input="hello"
        ),
    )
    same(_tries(error), 1)


def no_retry_of_paid_work(client: OpenAI) -> None:
    error = _refused(
        openai.InternalServerError,
        lambda: client.with_options(max_retries=2).responses.create(
            model="plain!fault=refuse:500", input="hello"
        ),
    )
    same(_tries(error), 1)


def _refused(kind: type[Exception], call: Any) -> Any:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def _tries(error: Any) -> int:
    return 1 + int(error.response.request.headers["x-stainless-retry-count"])


def _script(directive: str) -> None:
    """What the upstream does with the next create."""
    url = os.environ["UPSTREAM_CONTROL_URL"] + "/script"
    body = json.dumps({"key": None, "on": "create", "script": [directive]}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=body)) as answer:
        same(answer.status, 200)


SCENARIOS: tuple[Scenario, ...] = (
    *(unknown_response, bad_request, wrong_key, unknown_model, unknown_previous_response),
    *(retry_obeys_retry_after, retry_succeeds, no_retry_of_400, no_retry_of_paid_work),
)
