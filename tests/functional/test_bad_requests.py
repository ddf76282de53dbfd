"""Bad ids, queries, methods, and bytes that are hardly HTTP (RELIABILITY B55 to B78)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.contract import Json
from tests.support.stack import Stack
from tests.support.wire import Answer, create, error_of, follow, head, replay, rows_of, speak

TENANT = "bad-requests"
BODY = b'{"model":"plain","input":"hello"}'


@pytest.fixture(scope="module")
def ended(stack: Stack) -> Json:
    return create(stack)


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    return stack.new_key(TENANT)


def error_in(answer: Answer) -> Json:
    """The error of a raw answer, which has our envelope and a request id."""
    assert answer.headers["content-type"] == "application/json" and answer.headers["x-request-id"]
    error: Json = json.loads(answer.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize(
    "wrong",
    [
        "msg_" + "0" * 48,
        "x",
        "resp_",
        "r" * 5_000,
        "resp_" + "0" * 5_000,
        "..",
        "%2e%2e",
        "resp_%00",
        "%00",
        "resp_' OR '1'='1",
        "resp_1;DROP TABLE responses",
        "r%C3%A9sp_1",
        "%ff",
        "resp_1%0d%0aX-Forged:1",
    ],
)
@pytest.mark.parametrize("route", ["GET ", "GET ?stream=true", "DELETE ", "POST /cancel", "GET /input_items"])
def test_id_when_it_is_none_of_ours_then_404(stack: Stack, wrong: str, route: str) -> None:
    method, _, rest = route.partition(" ")
    target = f"/v1/responses/{wrong}{rest}".replace(" ", "%20")

    answer = speak(stack, [head(stack, method, target, "Connection: close")])  # B55, B63

    assert (answer.status, error_in(answer)["code"]) == (404, "response_not_found")
    assert "x-forged" not in answer.headers


def test_retrieve_when_it_was_deleted_then_404(stack: Stack) -> None:
    response_id = create(stack)["id"]
    stack.request("DELETE", f"/responses/{response_id}")

    answer = stack.request("GET", f"/responses/{response_id}")  # B57

    assert (answer.status_code, error_of(answer)["code"]) == (404, "response_not_found")


@pytest.mark.parametrize(
    "query",
    ["-1", "abc", "1.5", "1" + "0" * 30, "", "1&starting_after=2", "+1", "%201", "1_0", "١", "0x1"],
)
def test_stream_when_starting_after_is_no_number_then_400(stack: Stack, ended: Json, query: str) -> None:
    answer = stack.request("GET", f"/responses/{ended['id']}?stream=true&starting_after={query}")  # B58

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_value", "starting_after")


@pytest.mark.parametrize("query", ["starting_after=1", "starting_after=1&stream=false"])
def test_retrieve_when_starting_after_comes_without_stream_then_400(
    stack: Stack, ended: Json, query: str
) -> None:
    answer = stack.request("GET", f"/responses/{ended['id']}?{query}")  # B59

    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_value")


@pytest.mark.parametrize("after", [0, 1, 10**6, 2**63 - 1])
def test_stream_when_starting_after_is_at_or_beyond_the_end_then_it_is_empty(
    stack: Stack, ended: Json, after: int
) -> None:
    last = follow(stack, ended["id"])[-1]["sequence_number"]

    raw = replay(stack, ended["id"], max(after, last))  # B60

    assert raw == b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "values", [["nonsense"], ["reasoning.encrypted_content", "x"], ["message.output_text.logprobs"] * 1000]
)
@pytest.mark.parametrize("path", ["", "/input_items"])
def test_include_when_it_is_unknown_or_endless_then_400(
    stack: Stack, ended: Json, values: list[str], path: str
) -> None:
    target = f"/responses/{ended['id']}{path}?" + "&".join(f"include[]={value}" for value in values[:100])

    answer = stack.request("GET", target)  # B67

    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_value")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "limit=1.0", "order=up",
     "after=msg_foreign", "after=", "after=a&after=b"],
)  # fmt: skip
def test_list_when_its_query_is_bad_then_400_and_it_is_named(stack: Stack, ended: Json, query: str) -> None:
    answer = stack.request("GET", f"/responses/{ended['id']}/input_items?{query}")  # B68

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (
        400,
        "invalid_value",
        query.partition("=")[0],
    )


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/responses", "POST"),
        ("PATCH", "/responses/resp_1", "GET"),
        ("GET", "/responses/resp_1/cancel", "POST"),
        ("DELETE", "/responses/resp_1/input_items", "GET"),
        ("POST", "/models", "GET"),
    ],
)
def test_method_when_it_is_not_allowed_then_405_says_what_is(
    stack: Stack, method: str, path: str, allowed: str
) -> None:
    answer = stack.request(method, path)  # B71

    assert (answer.status_code, error_of(answer)["code"]) == (405, "method_not_allowed")
    assert allowed in answer.headers["allow"].split(", ")


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/responses/resp_1/nothing", "/", "/v1", "/v2/responses", "//v1//x"]
)
def test_path_when_it_is_unknown_then_404(stack: Stack, path: str) -> None:
    answer = speak(stack, [head(stack, "GET", path, "Connection: close")])  # B72

    assert (answer.status, error_in(answer)["code"]) == (404, "unknown_url")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "post", "GeT", "BREW"])
def test_method_when_it_is_odd_then_405_or_400(stack: Stack, method: str) -> None:
    answer = speak(stack, [head(stack, method, "/v1/responses", "Connection: close")])  # B73

    assert answer.status in (400, 405)
    assert error_in(answer)["code"] in ("bad_request", "method_not_allowed")


TYPE = "Content-Type: application/json"
SMUGGLED: dict[str, tuple[list[str], bytes]] = {
    "length and chunks": ([f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    "two lengths": ([f"Content-Length: {len(BODY)}", "Content-Length: 5"], BODY),
    "length list": ([f"Content-Length: {len(BODY)}, 5"], BODY),
    "plus sign": (["Content-Length: +5"], BODY),
    "negative": (["Content-Length: -5"], BODY),
    "no number": (["Content-Length: five"], BODY),
    "chunk size": (["Transfer-Encoding: chunked"], b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size sign": (["Transfer-Encoding: chunked"], b"+21\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk end": (["Transfer-Encoding: chunked"], b"5\r\nabcdefghij\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("row", SMUGGLED)
def test_create_when_its_length_is_told_twice_or_wrongly_then_400(stack: Stack, key: str, row: str) -> None:
    headers, body = SMUGGLED[row]

    answer = speak(stack, [head(stack, "POST", "/v1/responses", TYPE, *headers, key=key) + body])  # B75

    assert (answer.status, error_in(answer)["code"]) == (400, "bad_request")
    assert rows_of(stack, TENANT) == 0


@pytest.mark.parametrize("value", ["a b", "x" * 65, "x" * 4_000, "é☃", "a;b", "<script>", ""])
def test_request_id_when_it_is_not_plain_then_ours_takes_its_place(stack: Stack, value: str) -> None:
    answer = speak(
        stack, [head(stack, "GET", "/v1/models", f"X-Request-Id: {value}", "Connection: close")]
    )  # B78

    assert (answer.status, answer.headers["x-request-id"][:4]) == (200, "req_")


def test_request_id_when_it_breaks_the_line_then_nothing_of_it_comes_back(stack: Stack) -> None:
    forged = "X-Request-Id: abc\r\n X-Forged: yes"

    answer = speak(stack, [head(stack, "GET", "/v1/models", forged, "Connection: close")])

    assert answer.status < 500 and "x-forged" not in answer.headers
    assert "abc" not in answer.headers["x-request-id"]


def test_request_id_when_it_is_a_megabyte_then_it_is_not_a_fault_of_ours(stack: Stack) -> None:
    answer = speak(stack, [head(stack, "GET", "/v1/models", "X-Request-Id: " + "x" * 1_000_000)])

    assert answer.status in (200, 431)
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("path", ["/responses/resp_1", "/models", "/nothing"])
def test_answer_when_it_is_an_error_or_not_then_its_headers_are_safe(stack: Stack, path: str) -> None:
    answer: Any = stack.request("GET", path)

    headers = (answer.headers.get(name) for name in ("x-content-type-options", "cache-control"))
    assert list(headers) == ["nosniff", "no-store"]
