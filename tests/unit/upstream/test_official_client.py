"""The official client against the scripted upstream: plain, streamed, background and resumed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import APIError, OpenAI

from tests.unit.upstream.client import Client


@pytest.fixture
def sdk(client: Client) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{client.running.url}/v1", api_key="k", max_retries=0) as made:
        yield made


def test_official_client_creates_a_response(sdk: OpenAI) -> None:
    response = sdk.responses.create(model="plain", input="hello")

    assert response.output_text.startswith("You said: hello.")


def test_official_client_streams_to_the_final_response(sdk: OpenAI) -> None:
    with sdk.responses.stream(model="mock-n30", input="hello", reasoning={"effort": "low"}) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()

    assert "".join(deltas) == final.output_text


def test_official_client_resumes_a_background_stream(sdk: OpenAI) -> None:
    events = sdk.responses.create(model="mock-n30-i5", input="hello", background=True, stream=True)
    created, *more = [next(events) for _ in range(8)]
    events.close()
    assert created.type == "response.created"
    first = [created, *more]

    rest = sdk.responses.retrieve(created.response.id, stream=True, starting_after=first[-1].sequence_number)
    numbers = [event.sequence_number for event in [*first, *rest]]

    assert numbers == list(range(len(numbers)))


def test_official_client_raises_on_an_error_event(sdk: OpenAI) -> None:
    events = sdk.responses.create(model="mock!fault=error_event:2", input="hello", stream=True)

    with pytest.raises(APIError):
        list(events)


def test_official_client_streams_chat(sdk: OpenAI) -> None:
    chunks = sdk.chat.completions.create(
        model="mock-n4", messages=[{"role": "user", "content": "hi"}], stream=True
    )

    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "rivers carry small stones"


def test_official_client_lists_models(sdk: OpenAI) -> None:
    assert {model.id for model in sdk.models.list()} == {"demo", "mock"}
