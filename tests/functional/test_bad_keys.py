"""Bad keys: always the same 401, whatever is wrong with them (RELIABILITY B1 to B8)."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.contract import Json
from tests.support.stack import Stack
from tests.support.wire import error_of, speak

BODY = b'{"model":"plain","input":"hello"}'
LONG_KEY = "sk-" + "a" * 10_240


def test_key_when_there_is_none_then_401(stack: Stack) -> None:
    status, error = with_authorization(stack)  # B1

    assert (status, error["code"], error["type"]) == (401, "missing_api_key", "authentication_error")


@pytest.mark.parametrize(
    "value",
    [
        b"Basic dXNlcjpwYXNz",  # B2
        b"Bearer",
        b"Bearer ",
        b"Bearer sk-one sk-two",
        b"Bearer sk-one, Bearer sk-two",
        b"sk-no-scheme",
        b"Bearer sk-unknown",  # B3
        b"Bearer \xc3\xa9\xff",
        b"Bearer sk-\xe2\x98\x83",
        b"Bearer " + LONG_KEY.encode(),
    ],
)
def test_key_when_it_is_wrong_then_always_the_same_401(stack: Stack, value: bytes) -> None:
    status, error = with_authorization(stack, value)

    assert (status, error) == (401, with_authorization(stack, b"Bearer sk-another")[1])
    assert error["code"] == "invalid_api_key"


def test_key_when_it_has_a_nul_then_it_is_refused(stack: Stack) -> None:
    start = f"GET /v1/models HTTP/1.1\r\nHost: {urlsplit(stack.base_url).netloc}\r\n".encode()

    answer = speak(stack, [start + b"Authorization: Bearer sk-\x00\r\n\r\n"])

    assert answer.status in (400, 401)  # a NUL in a header is no HTTP: the server may say so first


def test_key_when_the_right_one_comes_twice_then_401(stack: Stack) -> None:
    right = f"Bearer {stack.api_key}".encode()

    status, error = with_authorization(stack, right, right)  # B8

    assert (status, error["code"]) == (401, "invalid_api_key")


def test_key_when_it_is_in_the_query_then_401(stack: Stack) -> None:
    answer = requests.get(f"{stack.base_url}/models?api_key={stack.api_key}", timeout=30)  # B7

    assert (answer.status_code, error_of(answer)["code"]) == (401, "missing_api_key")


def test_create_when_the_key_is_wrong_then_nothing_is_written(stack: Stack) -> None:
    calls = len(stack.upstream.ledger()["calls"])

    answer = stack.request(
        "POST", "/responses", "sk-unknown", data=BODY, headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, len(stack.upstream.ledger()["calls"])) == (401, calls)


def with_authorization(stack: Stack, *values: bytes) -> tuple[int, Json]:
    """GET /models with these Authorization headers, whatever their bytes; status and error."""
    connection = http.client.HTTPConnection(urlsplit(stack.base_url).netloc, timeout=30)
    connection.putrequest("GET", "/v1/models")
    for value in values:
        connection.putheader("Authorization", value)
    connection.endheaders()
    answer = connection.getresponse()
    body: Json = json.loads(answer.read())
    connection.close()
    error: Json = body.get("error", {})
    return answer.status, error
