"""Errors to the wire: always our envelope, whatever went wrong, and never a framework's page."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g, request
from flask.testing import FlaskClient
from werkzeug.exceptions import ImATeapot, InternalServerError, RequestEntityTooLarge

from api import body as api_body
from api import errors as api_errors
from api.body import read_json
from api.limits import BodyBudget
from shared import errors

RAISED: dict[str, Exception] = {
    "client": errors.InvalidRequest("what", code="c", param="p"),
    "store": errors.StoreUnavailable("database: OperationalError at 10.0.0.5"),
    "log": errors.LogUnavailable("redis: ConnectionError"),
    "fault": RuntimeError("secret detail"),
    "teapot": ImATeapot(),
    "large": RequestEntityTooLarge(),
    "internal": InternalServerError(),
    "refused": errors.GenerationRefused(
        "slow down", status=429, type="rate_limit_error", code="r", retry_after=7
    ),
}


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("test")
    app.config["MAX_CONTENT_LENGTH"] = 100
    api_errors.install(app)
    api_body.install(app, BodyBudget(2**30), seconds=30)

    @app.get("/raise/<name>")
    def fail(name: str) -> str:
        g.paid = request.args.get("paid") == "1"
        raise RAISED[name]

    @app.post("/body")
    def body() -> Any:
        return {"got": read_json(request)}

    return app.test_client()


@pytest.mark.parametrize(
    ("path", "status", "type_", "code"),
    [
        ("/raise/client", 400, "invalid_request_error", "c"),
        ("/raise/store", 503, "server_error", "service_unavailable"),
        ("/raise/log", 503, "server_error", "service_unavailable"),
        ("/raise/fault", 500, "server_error", None),
        ("/raise/internal", 500, "server_error", None),
        ("/raise/teapot", 400, "invalid_request_error", "bad_request"),
        ("/raise/large", 413, "invalid_request_error", "request_too_large"),
        ("/raise/refused", 429, "rate_limit_error", "r"),
        ("/nowhere", 404, "invalid_request_error", "unknown_url"),
        ("/body", 405, "invalid_request_error", "method_not_allowed"),
    ],
)
def test_error_when_anything_is_raised_then_the_envelope(
    client: FlaskClient, path: str, status: int, type_: str, code: str | None
) -> None:
    answer = client.get(path)

    error = answer.get_json()["error"]
    assert answer.status_code == status
    assert (error["type"], error["code"], set(error)) == (type_, code, {"message", "type", "param", "code"})


@pytest.mark.parametrize("name", ["fault", "store", "internal"])
def test_error_when_ours_then_no_detail_is_told(client: FlaskClient, name: str) -> None:
    text = client.get(f"/raise/{name}").get_data(as_text=True)

    assert "secret" not in text and "10.0.0.5" not in text and "Traceback" not in text


def test_error_when_the_method_is_wrong_then_the_right_ones_are_named(client: FlaskClient) -> None:
    assert client.get("/body").headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize(("name", "seconds"), [("store", "2"), ("refused", "7")])
def test_error_when_trying_again_helps_then_it_says_when(
    client: FlaskClient, name: str, seconds: str
) -> None:
    assert client.get(f"/raise/{name}").headers["Retry-After"] == seconds


@pytest.mark.parametrize(("name", "said"), [("store", "false"), ("fault", "false"), ("client", None)])
def test_error_when_the_generation_was_paid_for_then_sdks_are_told_not_to_repeat_5xx(
    client: FlaskClient, name: str, said: str | None
) -> None:
    assert client.get(f"/raise/{name}?paid=1").headers.get("x-should-retry") == said
    assert "x-should-retry" not in client.get(f"/raise/{name}").headers


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8", "Application/JSON"])
def test_body_when_json_then_read(client: FlaskClient, kind: str) -> None:
    assert client.post("/body", data=b'{"a": 1}', content_type=kind).get_json() == {"got": {"a": 1}}


@pytest.mark.parametrize(
    ("headers", "data", "status", "code"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 415, "unsupported_media_type"),
        ({}, b"{}", 415, "unsupported_media_type"),
        ({"Content-Type": "application/json; charset=latin-1"}, b"{}", 415, "unsupported_media_type"),
        (
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
            b"{}",
            415,
            "unsupported_content_encoding",
        ),
        ({"Content-Type": "application/json"}, b"x" * 101, 413, "request_too_large"),
    ],
)
def test_body_when_it_cannot_be_taken_then_refused_before_it_is_parsed(
    client: FlaskClient, headers: dict[str, str], data: bytes, status: int, code: str
) -> None:
    answer = client.post("/body", data=data, headers=headers)

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("data", [b"", b"{", b"nan", b'{"a": NaN}', b"\xff", b'{"a": 1, "a": 2}'])
def test_body_when_it_is_not_strict_json_then_400(client: FlaskClient, data: bytes) -> None:
    answer = client.post("/body", data=data, content_type="application/json")

    assert answer.status_code == 400
    assert answer.get_json()["error"]["type"] == "invalid_request_error"
