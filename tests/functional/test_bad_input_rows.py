"""The rows of RELIABILITY 4.2 between a request's fields and its bytes: items, tools, URLs, headers, time.

Those not here are in test_bad_input, test_bad_requests, test_bad_keys and test_limits.
"""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.support.contract import Json, check_frames
from tests.support.roles import ApiProcess
from tests.support.running import started
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create, error_of, head, rows_of, speak

TENANT = "bad-rows"
GOOD: Json = {"model": "plain", "input": "hello"}
JSON = "Content-Type: application/json"


def image(url: str) -> Json:
    return {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]}


def document(url: str) -> Json:
    return {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": url}]}]}


def tool(**given: object) -> Json:
    return {"tools": [{"type": "function", "name": "f", **given}]}


def form(**given: object) -> Json:
    return {"text": {"format": {"type": "json_schema", "name": "f", **given}}}


IMAGE, FILE = "input[0].content[0].image_url", "input[0].content[0].file_url"
PARAMETERS, SCHEMA = "tools[0].parameters", "text.format.schema"
LOOP: Json = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
HUGE: Json = {"type": "string", "pattern": "a" * 1_000_000}
MEGABYTES: Json = {"type": "object", "description": "d" * 5_000_000}
MANY: Json = {"input": [{"role": "user", "content": ""}] * 100_001}

# what changes in a good request, the code, the parameter
REFUSED: dict[str, tuple[Json, str, str]] = {
    "B32 neither type nor role": ({"input": [{"text": "x"}]}, "missing_required_parameter", "input[0].role"),
    "B32 empty type": ({"input": [{"type": ""}]}, "invalid_value", "input[0].type"),
    "B33 items": (MANY, "array_above_max_length", "input"),
    "B44 loop": (tool(parameters=LOOP), "invalid_function_parameters", PARAMETERS),
    "B44 huge": (tool(parameters=HUGE), "invalid_function_parameters", PARAMETERS),
    "B45 blank": (tool(name="a b"), "invalid_value", "tools[0].name"),
    "B45 long": (tool(name="n" * 129), "invalid_value", "tools[0].name"),
    "B45 twice": ({"tools": tool()["tools"] * 2}, "invalid_value", "tools[1].name"),
    "B46 absent": (
        {**tool(), "tool_choice": {"type": "function", "name": "g"}}, "invalid_value", "tool_choice"
    ),
    "B46 no tools": ({"tool_choice": {"type": "function", "name": "f"}}, "invalid_value", "tool_choice"),
    "B47 loop": (form(schema=LOOP), "invalid_json_schema", SCHEMA),
    "B47 five megabytes": (form(schema=MEGABYTES), "invalid_json_schema", SCHEMA),
    "B47 no object": (form(schema="x"), "invalid_json_schema", SCHEMA),
    "B48 file": (image("file:///etc/passwd"), "invalid_url", IMAGE),
    "B48 gopher": (image("gopher://127.0.0.1/_x"), "invalid_url", IMAGE),
    "B48 javascript": (image("javascript:alert(1)"), "invalid_url", IMAGE),
    "B48 file's file": (document("file:///etc/passwd"), "invalid_url", FILE),
    "B51 userinfo": (image("http://good@evil/"), "invalid_url", IMAGE),
    "B51 backslash": (image("http://good\\@evil/"), "invalid_url", IMAGE),
    "B51 tab": (image("http://go\tod/"), "invalid_url", IMAGE),
    "B52 base64": (image("data:image/png;base64,!!"), "invalid_image", IMAGE),
    "B52 type": (image("data:text/html;base64,PGI+"), "invalid_image", IMAGE),
}  # fmt: skip

ACCEPTED: dict[str, Json] = {
    "B32 item of tomorrow": {
        "input": [{"type": "item_of_tomorrow", "x": 1}, {"role": "user", "content": "x"}]
    },
    "B32 part of tomorrow": {"input": [{"role": "user", "content": [{"type": "input_smell", "smell": 1}]}]},
    # passed on: who fetches is the upstream, and the upstream judges where it may go
    "B49 private address": image("http://10.0.0.1/cat.png"),
    "B49 numbers": image("http://2130706433/"),
    "B51 port": image("https://example.com:6379/"),
    "B52 image": image("data:image/gif;base64,R0lGODlhAQABAAAAACw="),
    "B86 terminal": {"input": '\x1b[2J\n{"level":"ERROR"}\n[ERROR] forged 4711'},
}


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    return stack.new_key(TENANT)


@pytest.mark.parametrize("row", REFUSED)
def test_create_when_a_part_of_it_is_bad_then_400_and_nothing_is_written(
    stack: Stack, key: str, row: str
) -> None:
    change, code, param = REFUSED[row]
    calls, rows = len(stack.upstream.ledger()["calls"]), rows_of(stack, TENANT)

    answer = stack.request("POST", "/responses", key, json={**GOOD, **change})

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert (len(stack.upstream.ledger()["calls"]), rows_of(stack, TENANT)) == (calls, rows)


@pytest.mark.parametrize("row", ACCEPTED)
def test_create_when_it_only_looks_bad_then_it_is_passed_on(stack: Stack, row: str) -> None:
    answer = stack.request("POST", "/responses", json={**GOOD, **ACCEPTED[row]})

    assert answer.status_code == 200, answer.text


def test_image_when_passed_on_then_the_gateway_does_not_fetch_it(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        create(stack, **image(f"http://127.0.0.1:{server.getsockname()[1]}/cat.png"))

        with pytest.raises(BlockingIOError):  # nobody has come
            server.accept()


@pytest.mark.parametrize("field", ["items", "conversation"])
def test_conversation_when_an_item_has_a_bad_url_then_400(stack: Stack, field: str) -> None:
    path = "/conversations"
    if field == "items":
        path += "/" + stack.request("POST", "/conversations", json={}).json()["id"] + "/items"

    answer = stack.request("POST", path, json={"items": image("file:///x")["input"]})

    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (400, "invalid_url")
    assert error["param"] == "items[0].content[0].image_url"


def test_stream_when_its_response_was_created_without_one_then_it_is_replayed(stack: Stack) -> None:
    response = create(stack)  # B61, as DESIGN 7.7 has it

    raw = stack.request("GET", f"/responses/{response['id']}?stream=true").content

    assert check_frames(raw)[-1]["response"] == response


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        (["X-Long: " + "x" * 20_000], 431, "headers_too_large"),
        ([f"X-{n}: x" for n in range(120)], 431, "headers_too_large"),
    ],
)
def test_headers_when_they_are_too_many_or_too_large_then_431(
    stack: Stack, lines: list[str], status: int, code: str
) -> None:
    answer = speak(stack, [head(stack, "GET", "/v1/models", *lines)])  # B74

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (status, code)
    assert answer.headers["x-request-id"]


def test_url_when_it_is_too_long_then_414(stack: Stack) -> None:
    answer = speak(stack, [head(stack, "GET", "/v1/models?x=" + "x" * 9_000)])  # B74

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (414, "url_too_long")


@pytest.mark.parametrize("path", ["/v1/responses//cancel", "/v1//responses"])
def test_path_when_it_has_two_slashes_then_404_and_no_redirect(stack: Stack, path: str) -> None:
    answer = speak(stack, [head(stack, "POST", path, "Content-Length: 0")])

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (404, "unknown_url")


@pytest.mark.parametrize("hosts", ["", "Host:\r\n", "Host: a\r\nHost: b\r\n"])
def test_request_when_it_has_not_one_host_then_400(stack: Stack, hosts: str) -> None:
    start = f"GET /v1/models HTTP/1.1\r\n{hosts}Authorization: Bearer {stack.api_key}\r\n\r\n"

    answer = speak(stack, [start.encode()])  # B76

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "bad_request")


SPOOFED = (
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Tenant-Id",
    "X-Admin",
    "X-Real-IP",
    "X-HTTP-Method-Override",
)
REROUTED = (
    "PATH_INFO: /v1/responses",
    "SCRIPT_NAME: /v1",
    "X-Original-URL: /v1/responses",
    "X-Rewrite-Url: /",
)


@pytest.mark.parametrize("line", [*(f"{name}: default" for name in SPOOFED), *REROUTED])
def test_request_when_its_headers_pretend_then_they_say_nothing(stack: Stack, key: str, line: str) -> None:
    others = create(stack)  # B79: of another tenant
    target = f"/v1/responses/{others['id']}"

    answer = speak(stack, [head(stack, "GET", target, line, "Connection: close", key=key)])

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (404, "response_not_found")


def test_organization_when_it_is_another_tenants_then_it_says_nothing(stack: Stack, key: str) -> None:
    answer = stack.request("GET", "/models", key, headers={"OpenAI-Organization": "default"})  # B80

    assert (answer.status_code, answer.headers["openai-organization"]) == (200, TENANT)


def test_log_when_a_prompt_tries_to_forge_it_then_every_line_is_still_a_record(stack: Stack) -> None:
    name = "forger-4711"  # B86
    forged = {"X-Client-Request-Id": name}
    body = {**GOOD, **ACCEPTED["B86 terminal"], "metadata": {"k": "\n[ERROR] forged 4711"}}
    stack.request("POST", "/responses", json=body, headers=forged)
    log = stack.data_dir / "logs" / "api.log"

    wait_until(lambda: name in log.read_text(errors="replace"), "the request is in the log")

    lines = log.read_text(errors="replace").splitlines()
    assert not [line for line in lines if "forged 4711" in line]
    assert all(line.startswith("{") for line in lines if name in line)


@pytest.mark.parametrize("fault", ["nul", "surrogate", "bad_utf8"])
def test_tool_call_when_the_upstream_poisons_it_then_ours_is_valid(stack: Stack, fault: str) -> None:
    weather = {
        "type": "function",
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"__proto__": {"type": "string"}},
            "required": ["__proto__"],
        },
    }

    answer = stack.request(  # B88
        "POST",
        "/responses",
        json={"model": f"plain!fault={fault}", "input": "the weather", "tools": [weather], "stream": True},
    )

    response = check_frames(answer.content)[-1]["response"]
    (call,) = response["output"]
    assert call["type"] == "function_call" and "\N{REPLACEMENT CHARACTER}" in call["arguments"]
    assert not set("\0") & set(call["arguments"])
    assert stack.request("GET", f"/responses/{response['id']}").json() == response


@pytest.fixture
def impatient(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    """An API process that waits half a second for a body."""
    log = tmp_path_factory.mktemp("impatient") / "serve.log"
    env = {**stack.env, "RESPOOL_BODY_SECONDS": "0.5"}
    with started(ApiProcess(stack.data_dir, stack.api_key, env, log)) as process:
        yield process


@pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")
def test_body_when_it_stalls_then_408_and_the_connection_is_closed(
    stack: Stack, impatient: ApiProcess, key: str
) -> None:
    host = urlsplit(impatient.base_url).netloc
    lines = ("POST /v1/responses HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}", JSON)
    start = "\r\n".join((*lines, "Content-Length: 100", "", '{"model":')).encode()

    answer = speak(impatient, [start])  # B77

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (408, "request_timeout")
    assert rows_of(stack, TENANT) == 0


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_create_when_the_store_is_locked_then_503_and_when_to_come_back(stack: Stack) -> None:
    with closing(sqlite3.connect(stack.data_dir / "respool.db", isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")  # B84
        answer = stack.request("POST", "/responses", json=GOOD)
        other.execute("ROLLBACK")

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["type"]) == (503, "service_unavailable", "server_error")
    assert int(answer.headers["retry-after"]) >= 1
