"""The guide's samples, in its order, at its base URL and with its header (CONTRACT 9's corrections).

Corrected are `del` (a keyword: `delete`), the loop over a stream (events have a type, no `output`),
the name of the listed items, and where tool calls are found (items of the output).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.support.contract import check_usage
from tests.support.stack import Stack

MODEL = "main/gpt-4"  # provider_account/model
EXTRA: dict[str, Any] = {"extra_headers": {"x-tfy-provider-name": "main"}}
HELLO: Any = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Hello, how are you?"},
]
CHAT_TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get current weather in a location",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {"type": "string", "description": "City and state, e.g., San Francisco, CA"}
                },
                "required": ["location"],
            },
        },
    }
]


@pytest.fixture
def client(stack: Stack) -> Iterator[OpenAI]:
    base = stack.base_url.removesuffix("/v1") + "/api/llm/api/inference/openai"
    with OpenAI(base_url=base, api_key=stack.api_key, max_retries=0) as client:
        yield client


def test_operations_when_done_in_the_guides_order_then_each_works(client: OpenAI) -> None:
    created = client.responses.create(model=MODEL, input=HELLO, **EXTRA)
    retrieved = client.responses.retrieve(response_id=created.id, **EXTRA)
    listed = client.responses.input_items.list(response_id=created.id, **EXTRA)
    roles = [item.role for item in listed.data]  # type: ignore[union-attr]
    client.responses.delete(response_id=created.id, **EXTRA)

    assert created.id.startswith("resp_")
    assert retrieved == created
    assert roles == ["user", "system"]
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response_id=created.id, **EXTRA)


def test_stream_when_read_by_event_type_then_the_text_comes(client: OpenAI) -> None:
    poem: Any = [HELLO[0], {"role": "user", "content": "Write a short poem about AI."}]
    stream = client.responses.create(model=MODEL, input=poem, stream=True, **EXTRA)

    text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")

    assert "poem about AI" in text


def test_function_calling_when_the_tool_has_the_guides_shape_then_the_call_is_in_the_output(
    client: OpenAI,
) -> None:
    response = client.responses.create(
        model=MODEL,
        input=[{"role": "user", "content": "What's the weather like in New York?"}],
        tools=CHAT_TOOLS,
        tool_choice="auto",
        **EXTRA,
    )

    calls = [
        (item.name, json.loads(item.arguments)) for item in response.output if item.type == "function_call"
    ]

    assert calls == [("get_weather", {"location": "New York"})]


def test_workflow_when_a_conversation_goes_on_then_its_inputs_are_listed(client: OpenAI) -> None:
    question = "How do I read a JSON file in Python?"
    first = client.responses.create(
        model=MODEL, input=[HELLO[0], {"role": "user", "content": question}], **EXTRA
    )
    follow_up = client.responses.create(
        model=MODEL,
        input=[{"role": "user", "content": "What if the JSON file has nested objects?"}],
        previous_response_id=first.id,
        **EXTRA,
    )

    listed: Any = client.responses.input_items.list(response_id=follow_up.id, **EXTRA)

    texts = [item.content[0].text for item in listed.data]
    assert question in first.output[0].content[0].text
    assert texts[0] == "What if the JSON file has nested objects?"
    assert texts[1:] == [first.output_text, question, "You are a helpful assistant."]


def test_structure_when_compared_with_the_guides_reference_then_its_keys_are_there(client: OpenAI) -> None:
    response: Any = client.responses.create(model=MODEL, input=HELLO, temperature=0.7, **EXTRA)

    shown = response.to_dict()
    fixed: dict[str, Any] = {
        "object": "response",
        "status": "completed",
        "error": None,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "temperature": 0.7,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1,
        "user": None,
        "metadata": {},
        "provider": "main",
    }
    assert {key: shown[key] for key in fixed} == fixed
    assert isinstance(shown["created_at"], int | float)
    check_usage(shown["usage"])
    message = shown["output"][0]
    assert {key: message[key] for key in ("type", "status", "role")} == {
        "type": "message",
        "status": "completed",
        "role": "assistant",
    }


def test_header_when_it_names_the_provider_then_the_model_needs_no_prefix(client: OpenAI) -> None:
    response: Any = client.responses.create(model="gpt-4", input=HELLO, **EXTRA)

    assert response.provider == "main"
