"""An upstream's complete error answer, in our words: what a client may see of it, and what not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.errors import UpstreamError
from workers.providers.refusals import MAX_RETRY_AFTER, refused


def body(**error: Any) -> bytes:
    return orjson.dumps({"error": error})


def refusal(error: UpstreamError) -> dict[str, Any]:
    assert error.refusal is not None
    return error.refusal


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_refused_when_the_clients_fault_then_the_upstreams_own_words(status: int) -> None:
    error = refused(status, {}, body(message="Bad schema.", code="bad_schema", param="text.format"))

    told = refusal(error)
    assert (error.reason, told["status"], told["type"]) == (
        "upstream_refused",
        status,
        "invalid_request_error",
    )
    assert (told["message"], told["code"], told["param"]) == ("Bad schema.", "bad_schema", "text.format")


@pytest.mark.parametrize(
    ("status", "told_status", "reason"),
    [
        (401, 502, "upstream_auth"),
        (403, 502, "upstream_auth"),
        (500, 502, "upstream_error"),
        (502, 502, "upstream_error"),
        (302, 502, "upstream_error"),
        (418, 502, "upstream_error"),
        (503, 503, "upstream_overloaded"),
        (529, 503, "upstream_overloaded"),
    ],
)
def test_refused_when_not_the_clients_fault_then_no_word_of_the_upstream(
    status: int, told_status: int, reason: str
) -> None:
    error = refused(status, {}, body(message="key sk-proj-secret of org-42 is wrong", code="inner"))

    told = refusal(error)
    assert (error.reason, told["status"], told["code"], told["type"]) == (
        reason,
        told_status,
        reason,
        "server_error",
    )
    assert "org-42" not in told["message"]


def test_refused_when_rate_limited_then_its_own_type_and_code() -> None:
    told = refusal(refused(429, {"retry-after": "7"}, b""))

    assert (told["status"], told["type"], told["code"], told["retry_after"]) == (
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
        7,
    )


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("1", 1),
        ("0", 1),
        ("-5", 1),
        ("2.9", 2),
        ("999999", MAX_RETRY_AFTER),
        ("inf", MAX_RETRY_AFTER),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("Wed, 21 Oct 2099 07:28:00 GMT", MAX_RETRY_AFTER),
        ("nan", None),
        ("", None),
        ("soon", None),
    ],
)
def test_retry_after_when_anything_is_sent_then_within_bounds(raw: str, seconds: int | None) -> None:
    assert refusal(refused(429, {"retry-after": raw}, b""))["retry_after"] == seconds


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b'"x"',
        b"{}",
        b'{"error": ""}',
        b'{"error": {"message": 3, "code": {}}}',
        b"\xff\xfe",
    ],
)
def test_refused_when_the_body_is_not_an_error_object_then_said_in_our_words(content: bytes) -> None:
    told = refusal(refused(400, {}, content))

    assert (told["message"], told["code"], told["param"]) == (
        "The upstream refused the request with 400.",
        None,
        None,
    )


def test_refused_when_the_message_quotes_a_key_then_masked() -> None:
    told = refusal(refused(400, {}, body(message="Key sk-proj-0123456789abcdef is wrong")))

    assert "0123456789" not in told["message"]


def test_refused_when_the_message_is_endless_then_cut() -> None:
    told = refusal(refused(400, {}, body(message="x" * 60_000)))

    assert len(told["message"]) <= 1_000


@pytest.mark.parametrize("content", [b'{"error": "too long"}', b'{"object": "error", "message": "too long"}'])
def test_refused_when_the_error_has_another_shape_then_its_words_all_the_same(content: bytes) -> None:
    assert refusal(refused(400, {}, content))["message"] == "too long"
