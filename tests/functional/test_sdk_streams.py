"""The SDK's streaming helpers, sync and async, on what we send."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from tests.support.stack import Stack
from tests.support.wire import create, follow


class Place(BaseModel):
    city: str
    size: int


def numbers(events: Any) -> list[int]:
    return [event.sequence_number for event in events]


def test_create_with_stream_when_read_then_the_deltas_are_the_text(stack: Stack) -> None:
    events = list(stack.client().responses.create(model="plain", input="hello", stream=True))

    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == text


def test_stream_helper_when_read_then_it_gives_the_final_response(stack: Stack) -> None:
    with stack.client().responses.stream(model="plain", input="hello") as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()

    assert final.output_text == snapshots[-1]
    assert final.status == "completed"


def test_stream_helper_when_a_format_is_given_then_the_final_response_is_parsed(stack: Stack) -> None:
    with stack.client().responses.stream(model="plain", input="Where?", text_format=Place) as stream:
        final = stream.get_final_response()

    assert isinstance(final.output_parsed, Place)


def test_async_stream_helper_when_read_then_it_gives_the_final_response(stack: Stack) -> None:
    async def call() -> tuple[str, str]:
        async with (
            async_client(stack) as client,
            client.responses.stream(model="plain", input="hello") as stream,
        ):
            deltas = [e.delta async for e in stream if e.type == "response.output_text.delta"]
            final = await stream.get_final_response()
        return "".join(deltas), final.output_text

    streamed, final = asyncio.run(call())

    assert streamed == final and "hello" in final


def test_stream_helper_by_id_when_ended_then_the_rest_and_the_final_response(
    stack: Stack, ended: str
) -> None:
    with stack.client().responses.stream(response_id=ended, starting_after=5) as stream:
        seen = numbers(stream)
        final = stream.get_final_response()

    assert seen == numbers_after(stack, ended, 5)
    assert final.id == ended and final.output_text


def test_stream_helper_by_id_when_it_still_runs_then_it_reads_to_the_end(stack: Stack) -> None:
    response = create(stack, model="mock-n30-i10", background=True)

    with stack.client().responses.stream(response_id=response["id"]) as stream:
        final = stream.get_final_response()

    assert final.status == "completed"


def test_async_stream_helper_by_id_when_ended_then_the_rest(stack: Stack, ended: str) -> None:
    async def call() -> list[int]:
        async with (
            async_client(stack) as client,
            client.responses.stream(response_id=ended, starting_after=5) as stream,
        ):
            return [event.sequence_number async for event in stream]

    assert asyncio.run(call()) == numbers_after(stack, ended, 5)


@pytest.mark.parametrize("after", [0, 1, 7])
def test_retrieve_with_stream_when_a_number_is_given_then_what_follows_it(
    stack: Stack, ended: str, after: int
) -> None:
    seen = numbers(stack.client().responses.retrieve(ended, stream=True, starting_after=after))

    assert seen == numbers_after(stack, ended, after)


def test_async_retrieve_with_stream_when_a_number_is_given_then_what_follows_it(
    stack: Stack, ended: str
) -> None:
    async def call() -> list[int]:
        async with async_client(stack) as client:
            stream = await client.responses.retrieve(ended, stream=True, starting_after=3)
            return [event.sequence_number async for event in stream]

    assert asyncio.run(call()) == numbers_after(stack, ended, 3)


def async_client(stack: Stack) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0)


def numbers_after(stack: Stack, response_id: str, after: int) -> list[int]:
    last = follow(stack, response_id)[-1]["sequence_number"]
    return list(range(after + 1, last + 1))
