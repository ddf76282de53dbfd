"""What every Response object, every item and every SSE frame of ours must be (CONTRACT 2.3, 3.3, 4).

Each `check_…` asserts and gives back what it was given, so that tests can go on with it. The order of
events is checked by tests/support/event_order.py.
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.shapes import fit_response

Json = dict[str, Any]

NULLABLE = frozenset(
    (
        *("completed_at", "incomplete_details", "previous_response_id", "instructions", "error", "reasoning"),
        *("usage", "max_output_tokens", "max_tool_calls", "safety_identifier", "prompt_cache_key"),
    )
)
# key -> its type; a bool is no number here
NOT_NULL: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "object": str,
    "created_at": int,
    "status": str,
    "model": str,
    "output": list,
    "tools": list,
    "tool_choice": (str, dict),
    "truncation": str,
    "parallel_tool_calls": bool,
    "text": dict,
    "top_p": (int, float),
    "presence_penalty": (int, float),
    "frequency_penalty": (int, float),
    "top_logprobs": int,
    "temperature": (int, float),
    "store": bool,
    "background": bool,
    "service_tier": str,
    "metadata": dict,
    "provider": str,
}
ERROR_CODES = frozenset(
    (
        *("server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy"),
        *("vector_store_timeout", "invalid_image", "invalid_image_format", "invalid_base64_image"),
        *("invalid_image_url", "image_too_large", "image_too_small", "image_parse_error"),
        *("image_content_policy_violation", "invalid_image_mode", "image_file_too_large"),
        *("unsupported_image_media_type", "empty_image_file", "failed_to_download_image"),
        "image_file_not_found",
    )
)
TERMINAL_STATUSES = ("completed", "failed", "incomplete", "cancelled")
DONE = "[DONE]"

assert len(NULLABLE) + len(NOT_NULL) == 32  # CONTRACT 2.3's keys and `provider`


def check_response(response: Any) -> Json:
    """A Response in any status, as it stands on the wire."""
    assert isinstance(response, dict), response
    fit_response(response)
    missing = (NULLABLE | NOT_NULL.keys()) - response.keys()
    assert not missing, f"keys missing in a Response: {sorted(missing)}"
    for key, kind in NOT_NULL.items():
        value = response[key]
        assert isinstance(value, kind), f"{key} is {value!r}"
        assert kind is bool or not isinstance(value, bool), f"{key} is {value!r}"
    assert response["object"] == "response"
    assert response["id"].startswith("resp_")
    assert "output_text" not in response
    assert response["text"]["format"]["type"] in ("text", "json_object", "json_schema")
    if response["reasoning"] is not None:
        assert {"effort", "summary"} <= response["reasoning"].keys()
    for tool in response["tools"]:
        if tool["type"] == "function":
            assert {"type", "name", "description", "parameters", "strict"} <= tool.keys()
    for item in response["output"]:
        check_output_item(item)
    _check_status(response)
    return response


def check_output_item(item: Json) -> Json:
    """An item of a Response's output (CONTRACT 3.3)."""
    assert isinstance(item["id"], str) and item["id"]
    kind = item["type"]
    if kind == "reasoning":
        assert isinstance(item["summary"], list)
        assert item.get("encrypted_content", "absent") is not None
        return item
    if kind in ("message", "function_call"):
        assert item["status"] in ("in_progress", "completed", "incomplete"), item
    if kind == "message":
        assert item["role"] == "assistant"
        assert item.get("phase", "absent") is not None
        for part in item["content"]:
            check_part(part)
    if kind == "function_call":
        assert item["id"].startswith("fc_")
        assert all(isinstance(item[key], str) for key in ("call_id", "name", "arguments"))
        assert item["call_id"] and item["name"]
    return item


def check_part(part: Json) -> Json:
    if part["type"] == "output_text":
        assert isinstance(part["text"], str)
        assert isinstance(part["annotations"], list) and isinstance(part["logprobs"], list)
    elif part["type"] == "refusal":
        assert isinstance(part["refusal"], str)
    return part


def check_usage(usage: Json) -> Json:
    counts = ("input_tokens", "output_tokens", "total_tokens")
    details = (
        usage["input_tokens_details"]["cached_tokens"],
        usage["output_tokens_details"]["reasoning_tokens"],
    )
    assert all(
        type(count) is int and count >= 0 for count in (*(usage[name] for name in counts), *details)
    ), usage
    return usage


def check_frames(raw: bytes) -> list[Json]:
    """The events of a whole SSE answer, its framing checked byte by byte (CONTRACT 4.1)."""
    assert b"\r" not in raw, "lines must end with LF alone"
    assert raw.endswith(b"\n\n"), "the last frame is not whole"
    blocks = [b for b in raw.decode("utf-8").removesuffix("\n\n").split("\n\n") if not b.startswith(":")]
    assert blocks.pop() == f"data: {DONE}", "the stream must end with the [DONE] marker"
    return [_event_of(block) for block in blocks]


def check_error(status: int, body: Any) -> Json:
    """The envelope of an error answer; the inner object."""
    assert status >= 400 and isinstance(body, dict) and set(body) == {"error"}, body
    error: Json = body["error"]
    assert set(error) == {"message", "type", "param", "code"}, error
    assert isinstance(error["message"], str) and error["message"]
    assert isinstance(error["type"], str)
    return error


def _event_of(block: str) -> Json:
    lines = block.split("\n")
    assert len(lines) == 2, f"a frame has an event and a data line: {lines!r}"
    assert lines[0].startswith("event: ") and lines[1].startswith("data: "), lines
    event: Json = json.loads(lines[1].removeprefix("data: "))
    assert event["type"] == lines[0].removeprefix("event: ")
    assert not event.get("error") or event["type"] == "error", "clients take this for an error"
    return event


def _check_status(response: Json) -> None:
    status, error = response["status"], response["error"]
    assert status in ("queued", "in_progress", *TERMINAL_STATUSES)
    assert (type(response["completed_at"]) is int) == (status == "completed")
    assert (response["incomplete_details"] is not None) == (status == "incomplete")
    assert (error is not None) == (status == "failed")
    if status in ("queued", "cancelled"):
        assert response["output"] == []
    if status in ("queued", "in_progress", "cancelled"):
        assert response["usage"] is None
    if error is not None:
        assert set(error) == {"code", "message"} and error["code"] in ERROR_CODES, error
    if status == "completed":
        check_usage(response["usage"])
        assert all(item.get("status", "completed") == "completed" for item in response["output"])
    elif response["usage"] is not None:
        check_usage(response["usage"])
