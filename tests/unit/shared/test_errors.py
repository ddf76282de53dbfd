"""Errors: one envelope, nothing of the client's repeated at length or unprintably."""

from __future__ import annotations

import pytest

from shared import errors

CLIENT_ERRORS = [
    (errors.InvalidRequest, 400, "invalid_request_error", None),
    (errors.Unauthorized, 401, "invalid_request_error", "invalid_api_key"),
    (errors.NotFound, 404, "invalid_request_error", None),
    (errors.MethodNotAllowed, 405, "invalid_request_error", "method_not_allowed"),
    (errors.Gone, 410, "invalid_request_error", None),
    (errors.PayloadTooLarge, 413, "invalid_request_error", "request_too_large"),
    (errors.UnsupportedMedia, 415, "invalid_request_error", "unsupported_media_type"),
    (errors.Unavailable, 503, "server_error", "service_unavailable"),
]


@pytest.mark.parametrize(("kind", "status", "type_", "code"), CLIENT_ERRORS)
def test_client_error_when_raised_then_its_status_and_envelope(
    kind: type[errors.ClientError], status: int, type_: str, code: str | None
) -> None:
    error = kind("what", param="model")

    assert error.status == status
    assert error.envelope() == {"error": {"message": "what", "type": type_, "param": "model", "code": code}}


def test_client_error_when_a_code_is_given_then_it_replaces_the_usual() -> None:
    assert (
        errors.Unauthorized("what", code="missing_api_key").envelope()["error"]["code"] == "missing_api_key"
    )


def test_generation_refused_when_raised_then_the_upstreams_own_status() -> None:
    error = errors.GenerationRefused("what", status=429, type="rate_limit_error", code="c", retry_after=7)

    assert (error.status, error.type, error.code, error.retry_after) == (429, "rate_limit_error", "c", 7)


def test_upstream_error_when_raised_then_the_reason_opens_its_text() -> None:
    assert str(errors.UpstreamError("upstream_timeout", "Too late.")) == "upstream_timeout: Too late."


def test_excerpt_when_long_then_cut_at_the_limit() -> None:
    shown = errors.excerpt("x" * 10_000)

    assert len(shown) == errors.ECHO_LIMIT
    assert shown.endswith("…")


def test_excerpt_when_unprintable_then_replaced() -> None:
    assert errors.excerpt("a\x00b\nc\ud800\N{SNOWMAN}") == "a\ufffdb\ufffdc\ufffd\N{SNOWMAN}"


def test_response_not_found_when_the_id_is_hostile_then_only_an_excerpt() -> None:
    message = errors.response_not_found("<script>\r\n" + "x" * 9_999).message

    assert "\r" not in message and "\n" not in message and len(message) < 300
