"""Bad bodies and bad fields: the exact answer, and nothing written (RELIABILITY B9 to B42).

Each row is one line of that table. After every refusal the tenant has no row and the upstream no call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.contract import Json
from tests.support.stack import Stack
from tests.support.wire import create, error_of, head, rows_of, speak

TENANT = "bad-input"
MEGABYTE = 1024 * 1024
OVER_LIMIT = 16 * MEGABYTE + 1
GOOD: Json = {"model": "plain", "input": "hello"}
JSON = {"Content-Type": "application/json"}
TYPE = "Content-Type: application/json"


def with_input(value: str) -> bytes:
    """A body whose `input` is this text of JSON."""
    return b'{"model":"plain","input":' + value.encode() + b"}"


def with_extra(value: str) -> bytes:
    return b'{"model":"plain","input":"x","extra":' + value.encode() + b"}"


def nested(depth: int) -> bytes:
    """The whole body is `depth` deep."""
    return with_extra("[" * (depth - 1) + "]" * (depth - 1))


DEEP_KEY = '{"type":"function","name":"f","parameters":{"properties":{"a":{"type":"string","type":"null"}}}}'

BODIES: dict[str, tuple[bytes, str]] = {
    "B9 nothing": (b"", "invalid_json"),
    "B9 blanks": (b"  \n", "invalid_json"),
    "B10 truncated": (b'{"model":"plain","input":"he', "invalid_json"),
    "B10 trailing": (b'{"model":"plain","input":"x"} x', "invalid_json"),
    "B11 array": (b"[]", "invalid_type"),
    "B11 string": (b'"x"', "invalid_type"),
    "B11 number": (b"3", "invalid_type"),
    "B11 null": (b"null", "invalid_type"),
    "B12 NaN": (with_extra("NaN"), "invalid_json"),
    "B12 Infinity": (with_extra("Infinity"), "invalid_json"),
    "B12 -Infinity": (with_extra("-Infinity"), "invalid_json"),
    "B13 overflow": (with_extra("1e999"), "invalid_number"),
    "B14 digits": (with_extra("9" * 5001), "invalid_number"),
    "B15 key twice": (b'{"model":"plain","input":"x","model":"plain"}', "duplicate_key"),
    "B16 deep key twice": (
        b'{"model":"plain","input":"x","tools":[' + DEEP_KEY.encode() + b"]}",
        "duplicate_key",
    ),
    "B17 depth 65": (nested(65), "json_too_deep"),
    "B17 depth 1100": (nested(1_100), "json_too_deep"),
    "B17 depth 100000": (nested(100_000), "json_too_deep"),
    "B17 depth 100000, open": (b"[" * 100_000, "json_too_deep"),
    "B20 nodes": (with_extra("[" + "{}," * MEGABYTE + "{}]"), "json_too_many_nodes"),
    "B21 not UTF-8": (with_input('"\\"').replace(b'\\"', b"\xff\xfe\xc3"), "invalid_encoding"),
    "B21 latin-1": ('{"model":"plain","input":"café"}'.encode("latin-1"), "invalid_encoding"),
    "B22 UTF-16": (json.dumps(GOOD).encode("utf-16"), "invalid_encoding"),
    "B22 UTF-16-LE": (json.dumps(GOOD).encode("utf-16-le"), "invalid_encoding"),
    "B22 UTF-32": (json.dumps(GOOD).encode("utf-32"), "invalid_encoding"),
    "B22 mark": (json.dumps(GOOD).encode("utf-8-sig"), "invalid_encoding"),
    "B23 high surrogate": (with_input('"\\ud800"'), "invalid_unicode"),
    "B23 low surrogate": (with_input('"\\udc00x"'), "invalid_unicode"),
    "B23 in a key": (with_extra('{"\\ud800":1}'), "invalid_unicode"),
    "B24 NUL": (with_input('"a\\u0000b"'), "invalid_unicode"),
    "B24 NUL in a key": (with_extra('{"\\u0000":1}'), "invalid_unicode"),
}

# field -> the code; `param` is the field unless a third value says otherwise
FIELDS: dict[str, tuple[Json, str, str]] = {
    "B29 no model": ({"model": ...}, "missing_required_parameter", "model"),
    "B29 null model": ({"model": None}, "missing_required_parameter", "model"),
    "B29 number model": ({"model": 3}, "invalid_type", "model"),
    "B29 empty model": ({"model": ""}, "invalid_value", "model"),
    "B29 long model": ({"model": "m" * 10_000}, "invalid_value", "model"),
    "B29 model with LF": ({"model": "pl\nain"}, "invalid_value", "model"),
    "B29 model with DEL": ({"model": "pl\x7fain"}, "invalid_value", "model"),
    "B31 no input": ({"input": ...}, "missing_required_parameter", "input"),
    "B31 null input": ({"input": None}, "missing_required_parameter", "input"),
    "B31 number input": ({"input": 3}, "invalid_type", "input"),
    "B34 stream string": ({"stream": "true"}, "invalid_type", "stream"),
    "B34 stream number": ({"stream": 1}, "invalid_type", "stream"),
    "B34 background string": ({"background": "yes"}, "invalid_type", "background"),
    "B34 store string": ({"store": "false"}, "invalid_type", "store"),
    "B35 temperature 2.1": ({"temperature": 2.1}, "decimal_above_max_value", "temperature"),
    "B35 temperature -1": ({"temperature": -1}, "decimal_below_min_value", "temperature"),
    "B35 temperature string": ({"temperature": "1"}, "invalid_type", "temperature"),
    "B35 temperature bool": ({"temperature": True}, "invalid_type", "temperature"),
    "B35 top_p 1.1": ({"top_p": 1.1}, "decimal_above_max_value", "top_p"),
    "B36 tokens 0": ({"max_output_tokens": 0}, "integer_below_min_value", "max_output_tokens"),
    "B36 tokens -5": ({"max_output_tokens": -5}, "integer_below_min_value", "max_output_tokens"),
    "B36 tokens 15": ({"max_output_tokens": 15}, "integer_below_min_value", "max_output_tokens"),
    "B36 tokens 1.5": ({"max_output_tokens": 1.5}, "invalid_type", "max_output_tokens"),
    "B36 tokens bool": ({"max_output_tokens": True}, "invalid_type", "max_output_tokens"),
    "B36 tokens 10^18": ({"max_output_tokens": 10**18}, "integer_above_max_value", "max_output_tokens"),
    "B37 17 pairs": ({"metadata": {str(n): "x" for n in range(17)}}, "invalid_value", "metadata"),
    "B37 long key": ({"metadata": {"k" * 65: "x"}}, "string_above_max_length", "metadata"),
    "B37 long value": ({"metadata": {"k": "v" * 513}}, "string_above_max_length", "metadata"),
    "B37 number value": ({"metadata": {"k": 3}}, "invalid_type", "metadata"),
    "B37 not an object": ({"metadata": ["k"]}, "invalid_type", "metadata"),
    "B40 no id": ({"previous_response_id": "nonsense"}, "invalid_id", "previous_response_id"),
    "B40 empty": ({"previous_response_id": ""}, "invalid_id", "previous_response_id"),
    "B40 path": ({"previous_response_id": "resp_../x"}, "invalid_id", "previous_response_id"),
    "B40 other kind": ({"previous_response_id": "conv_1"}, "invalid_id", "previous_response_id"),
    "B40 number": ({"previous_response_id": 7}, "invalid_type", "previous_response_id"),
    "B41 absent": (
        {"previous_response_id": "resp_" + "0" * 48},
        "previous_response_not_found",
        "previous_response_id",
    ),
    "messages": ({"messages": []}, "unsupported_parameter", "messages"),
    "item": ({"input": [{"role": "user", "content": "x"}, {"role": "wizard", "content": "x"}]},
             "invalid_value", "input[1].role"),
    "tool name": ({"tools": [{"type": "function", "name": "a b"}]}, "invalid_value", "tools[0].name"),
}  # fmt: skip


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    return stack.new_key(TENANT)


@pytest.fixture
def untouched(stack: Stack, key: str) -> Iterator[None]:
    """Nothing of what the test sends leaves a trace."""
    calls = len(stack.upstream.ledger()["calls"])
    yield
    assert (rows_of(stack, TENANT), len(stack.upstream.ledger()["calls"])) == (0, calls)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("row", BODIES)
def test_create_when_the_body_is_bad_then_400_with_its_code(stack: Stack, key: str, row: str) -> None:
    body, code = BODIES[row]

    answer = stack.request("POST", "/responses", key, data=body, headers=JSON)

    assert (answer.status_code, error_of(answer)["code"]) == (400, code)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("row", FIELDS)
def test_create_when_a_field_is_bad_then_400_and_it_is_named(stack: Stack, key: str, row: str) -> None:
    change, code, param = FIELDS[row]
    body = {name: value for name, value in {**GOOD, **change}.items() if value is not ...}

    answer = stack.request("POST", "/responses", key, json=body)

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert error["type"] == "invalid_request_error"


@pytest.mark.usefixtures("untouched")
def test_create_when_the_length_is_over_the_limit_then_413_before_it_is_read(stack: Stack, key: str) -> None:
    start = head(stack, "POST", "/v1/responses", TYPE, f"Content-Length: {OVER_LIMIT}", key=key)

    answer = speak(stack, [start])  # B18: not one byte of the body follows

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (413, "request_too_large")


@pytest.mark.usefixtures("untouched")
def test_create_when_chunks_go_over_the_limit_then_413(stack: Stack, key: str) -> None:
    start = head(stack, "POST", "/v1/responses", TYPE, "Transfer-Encoding: chunked", key=key)
    good = json.dumps(GOOD).encode()  # the rest is blanks: cut short, it would pass for a whole body
    pieces = [good, *([b" " * MEGABYTE] * 17)]

    answer = speak(stack, [start, *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"])

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (413, "request_too_large")  # B19


def test_create_when_its_chunks_are_within_the_limit_then_it_is_accepted(stack: Stack) -> None:
    start = head(
        stack, "POST", "/v1/responses", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    good = json.dumps(GOOD).encode()

    answer = speak(stack, [start, *(b"1\r\n%c\r\n" % byte for byte in good), b"0\r\n\r\n"])

    assert answer.status == 200


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "unsupported_media_type"),  # B25
        ({"Content-Type": "text/plain"}, "unsupported_media_type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "unsupported_media_type"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, "unsupported_media_type"),
        ({"Content-Type": "application/json; charset=utf-7"}, "unsupported_media_type"),  # B26
        ({**JSON, "Content-Encoding": "gzip"}, "unsupported_content_encoding"),  # B27
    ],
)
def test_create_when_the_media_is_not_json_then_415(stack: Stack, key: str, headers: Json, code: str) -> None:
    answer = stack.request("POST", "/responses", key, data=json.dumps(GOOD), headers=headers)

    assert (answer.status_code, error_of(answer)["code"]) == (415, code)


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_create_when_the_media_is_json_then_it_is_accepted(stack: Stack, kind: str) -> None:
    headers = {"Content-Type": kind}

    assert stack.request("POST", "/responses", data=json.dumps(GOOD), headers=headers).status_code == 200


def test_create_when_the_depth_is_64_then_it_is_accepted(stack: Stack) -> None:
    assert stack.request("POST", "/responses", data=nested(64), headers=JSON).status_code == 200


def test_create_when_metadata_has_line_breaks_then_they_are_kept(stack: Stack) -> None:
    value = "a\r\nX-Forged: yes\r\n\r\n{}"  # B38

    answer = stack.request("POST", "/responses", json={**GOOD, "metadata": {"k": value}})

    assert (answer.status_code, answer.json()["metadata"]) == (200, {"k": value})
    assert "x-forged" not in answer.headers


def test_create_when_unknown_fields_are_sent_then_they_are_accepted(stack: Stack) -> None:
    answer = stack.request("POST", "/responses", json={**GOOD, "field_of_tomorrow": 1, "status": "completed"})

    assert answer.status_code == 200


def test_create_when_its_parent_still_runs_then_400(stack: Stack) -> None:
    running = create(stack, model="mock-n900-i20", background=True)  # B42

    answer = stack.request("POST", "/responses", json={**GOOD, "previous_response_id": running["id"]})

    stack.request("POST", f"/responses/{running['id']}/cancel")
    assert (answer.status_code, error_of(answer)["code"]) == (400, "previous_response_not_completed")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("field", ["model", "previous_response_id", "truncation"])
def test_create_when_a_long_value_is_refused_then_it_is_not_repeated(
    stack: Stack, key: str, field: str
) -> None:
    answer = stack.request("POST", "/responses", key, json={**GOOD, field: "SECRET" * 2000})

    assert answer.text.count("SECRET") < 40
