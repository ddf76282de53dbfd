"""Creates, by every way the SDK has: blocking, streamed, with its helpers, tools, formats and inputs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai import AsyncOpenAI, BadRequestError, OpenAI
from pydantic import BaseModel

from tests.clients.python.report import Scenario, same
from tests.support.inputs import PDF, PIXEL, WEATHER

QUESTION = "What is the weather like in Oslo?"
GUIDES_PATH = "/api/llm/api/inference/openai"


class Trip(BaseModel):
    city: str
    days: int


def blocking(client: OpenAI) -> None:
    response = client.responses.create(model="plain", input="hello")
    same((response.status, response.object, response.error), ("completed", "response", None))
    assert "hello" in response.output_text
    assert response.usage is not None
    same(response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens)
    assert response._request_id and response.id.startswith("resp_")


def streamed(client: OpenAI) -> None:
    events: list[Any] = list(client.responses.create(model="plain", input="hello", stream=True))
    same(events[0].type, "response.created")
    same(events[-1].type, "response.completed")
    same([event.sequence_number for event in events], list(range(len(events))))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    same(events[-1].response.output_text, text)


def stream_helper(client: OpenAI) -> None:
    snapshots = []
    with client.responses.stream(model="plain", input="hello") as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                snapshots.append(event.snapshot)
        final = stream.get_final_response()
    assert len(snapshots) > 1
    same((final.status, final.output_text), ("completed", snapshots[-1]))


def stream_refused_before_it_begins(client: OpenAI) -> None:
    try:
        client.responses.create(model="plain", input="hello", temperature=9, stream=True)
    except BadRequestError as error:
        same((error.param, error.code), ("temperature", "decimal_above_max_value"))
    else:
        raise AssertionError("not refused")


def failed(client: OpenAI) -> None:
    response = client.responses.create(model="plain!fault=cut:3", input="hello")
    assert response.error is not None
    same((response.status, response.error.code), ("failed", "server_error"))
    events: list[Any] = list(client.responses.create(model="plain!fault=cut:3", input="hello", stream=True))
    same((events[-1].type, events[-1].response.status), ("response.failed", "failed"))


def incomplete(client: OpenAI) -> None:
    response = client.responses.create(model="mock-n50", input="hello", max_output_tokens=16)
    assert response.incomplete_details is not None
    same((response.status, response.incomplete_details.reason), ("incomplete", "max_output_tokens"))


def many_at_once(client: OpenAI) -> None:
    async def call() -> list[Any]:
        async with AsyncOpenAI(max_retries=0) as many:
            wanted = [many.responses.create(model="plain", input=f"number {n}") for n in range(12)]
            return list(await asyncio.gather(*wanted))

    texts = [response.output_text for response in asyncio.run(call())]
    assert all(f"number {n}." in text for n, text in enumerate(texts)), texts


def asynchronous(client: OpenAI) -> None:
    async def call() -> tuple[str, str]:
        async with (
            AsyncOpenAI(max_retries=0) as other,
            other.responses.stream(model="plain", input="hello") as stream,
        ):
            deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            final = await stream.get_final_response()
            return "".join(deltas), final.output_text

    heard, told = asyncio.run(call())
    same(heard, told)


def left_early(client: OpenAI) -> None:
    with client.responses.create(model="mock-n40-i10", input="hello", stream=True) as stream:
        first: Any = next(iter(stream))
    with client.responses.stream(response_id=first.response.id) as again:
        same(again.get_final_response().status, "completed")


def instructions_and_metadata(client: OpenAI) -> None:
    response = client.responses.create(
        model="plain",
        input="echo request",
        instructions="Be brief.",
        metadata={"a": "1"},
        temperature=0.5,
        top_p=0.9,
        user="somebody",
    )
    sent = json.loads(response.output_text.removeprefix("ECHO "))
    same((sent["instructions"], sent["temperature"], sent["top_p"]), ("Be brief.", 0.5, 0.9))
    same((response.instructions, response.metadata), ("Be brief.", {"a": "1"}))
    same((response.temperature, response.top_p, response.user), (0.5, 0.9, "somebody"))


def raw_answer(client: OpenAI) -> None:
    raw = client.responses.with_raw_response.create(model="plain", input="hello")
    assert raw.headers["x-request-id"].startswith("req_")
    same(raw.parse()._request_id, raw.headers["x-request-id"])


def guides_address(client: OpenAI) -> None:
    base = str(client.base_url).rstrip("/").removesuffix("/v1") + GUIDES_PATH
    with OpenAI(base_url=base, max_retries=0) as other:
        response: Any = other.responses.create(
            model="main/plain", input="hello", extra_headers={"x-tfy-provider-name": "main"}
        )
    same((response.status, response.provider), ("completed", "main"))


def tools_by_chain(client: OpenAI) -> None:
    first = client.responses.create(model="plain", input=QUESTION, tools=[WEATHER])
    (call,) = first.output
    assert call.type == "function_call"
    same((call.name, json.loads(call.arguments)), ("get_weather", {"location": "Oslo"}))
    second = client.responses.create(
        model="plain",
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "four degrees"}],
        tools=[WEATHER],
    )
    assert "four degrees" in second.output_text


def tools_streamed(client: OpenAI) -> None:
    turns: Any = [{"role": "user", "content": QUESTION}]
    wanted: Any = {"model": "plain", "tools": [WEATHER], "store": False}
    with client.responses.stream(input=turns, **wanted) as stream:
        (call,) = stream.get_final_response().output
    assert call.type == "function_call"
    turns += [call, {"type": "function_call_output", "call_id": call.call_id, "output": "four degrees"}]
    with client.responses.stream(input=turns, **wanted) as stream:
        assert "four degrees" in stream.get_final_response().output_text


def tools_in_chat_shape(client: OpenAI) -> None:
    inner = {key: value for key, value in WEATHER.items() if key != "type"}
    chat: Any = {"type": "function", "function": inner}
    response = client.responses.create(model="plain", input=QUESTION, tools=[chat])
    same([item.type for item in response.output], ["function_call"])
    same(response.tools[0].type, "function")


def parse(client: OpenAI) -> None:
    response = client.responses.parse(model="plain", input="Plan a trip", text_format=Trip)
    assert isinstance(response.output_parsed, Trip)


def parse_streamed(client: OpenAI) -> None:
    with client.responses.stream(model="plain", input="Plan a trip", text_format=Trip) as stream:
        assert isinstance(stream.get_final_response().output_parsed, Trip)


def image_input(client: OpenAI) -> None:
    content: Any = [
        {"type": "input_text", "text": "echo request"},
        {"type": "input_image", "image_url": PIXEL},
    ]
    response = client.responses.create(model="plain", input=[{"role": "user", "content": content}])
    assert PIXEL in response.output_text


def file_input(client: OpenAI) -> None:
    part = {"type": "input_file", "filename": "a.pdf", "file_data": PDF}
    content: Any = [{"type": "input_text", "text": "echo request"}, part]
    response = client.responses.create(model="plain", input=[{"role": "user", "content": content}])
    assert PDF in response.output_text


def reasoning(client: OpenAI) -> None:
    turns: Any = [{"role": "user", "content": "hello"}]
    wanted: Any = {
        "model": "plain",
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    first = client.responses.create(input=turns, **wanted)
    thought = first.output[0]
    assert thought.type == "reasoning" and thought.summary[0].text and thought.encrypted_content
    second = client.responses.create(
        input=[*turns, *first.output, {"role": "user", "content": "and then"}], **wanted
    )
    assert "and then" in second.output_text


def reasoning_streamed(client: OpenAI) -> None:
    heard = []
    with client.responses.stream(model="plain", input="hello", reasoning={"effort": "low"}) as stream:
        for event in stream:
            if event.type == "response.reasoning_summary_text.delta":
                heard.append(event.delta)
        thought = stream.get_final_response().output[0]
    assert thought.type == "reasoning"
    same(thought.summary[0].text, "".join(heard))


SCENARIOS: tuple[Scenario, ...] = (
    *(blocking, streamed, stream_helper, stream_refused_before_it_begins, failed, incomplete, many_at_once),
    *(asynchronous, left_early, instructions_and_metadata, raw_answer, guides_address, tools_by_chain),
    *(tools_streamed, tools_in_chat_shape, parse, parse_streamed, image_input, file_input, reasoning),
    reasoning_streamed,
)
