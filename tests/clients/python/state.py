"""What is kept: background work, resume, cancel, chains, item lists, conversations, compaction, models."""

from __future__ import annotations

import time
from typing import Any

from openai import BadRequestError, NotFoundError, OpenAI

from tests.clients.python.report import Scenario, need, same

SLOW = "mock-n2000-i20"
PATIENCE_SECONDS = 30


def background_poll(client: OpenAI) -> None:
    response = client.responses.create(model="mock-n20-i5", input="hello", background=True)
    same((response.status, response.output), ("queued", []))
    until = time.monotonic() + PATIENCE_SECONDS
    while response.status in {"queued", "in_progress"} and time.monotonic() < until:
        time.sleep(0.05)
        response = client.responses.retrieve(response.id)
    same((response.status, response.background), ("completed", True))
    assert response.output_text


def resume(client: OpenAI) -> None:
    heard: list[Any] = []
    with client.responses.create(model="mock-n40-i5", input="hello", background=True, stream=True) as stream:
        for event in stream:
            heard.append(event)
            if event.sequence_number == 10:
                break
    rest: list[Any] = list(client.responses.retrieve(heard[0].response.id, stream=True, starting_after=10))
    events = heard + rest
    same([event.sequence_number for event in events], list(range(len(events))))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    same(events[-1].response.output_text, text)


def stream_helper_by_id(client: OpenAI) -> None:
    response = client.responses.create(model="mock-n20-i5", input="hello", background=True)
    with client.responses.stream(response_id=response.id, starting_after=5) as stream:
        numbers = [event.sequence_number for event in stream]
        final = stream.get_final_response()
    same(numbers, list(range(6, 6 + len(numbers))))
    same((final.id, final.status), (response.id, "completed"))


def cancel(client: OpenAI) -> None:
    response = client.responses.create(model=SLOW, input="hello", background=True)
    same(client.responses.cancel(response.id).status, "cancelled")
    same(client.responses.cancel(response.id).status, "cancelled")
    same(client.responses.retrieve(response.id).status, "cancelled")
    ended = client.responses.create(model="plain", input="hello")
    try:
        client.responses.cancel(ended.id)
    except BadRequestError:
        return
    raise AssertionError("a finished response was cancelled")


def cancel_while_streaming(client: OpenAI) -> None:
    last: Any = None
    with client.responses.create(model=SLOW, input="hello", background=True, stream=True) as stream:
        for event in stream:
            if event.sequence_number == 5 and last is not None:
                client.responses.cancel(last.response.id)
            last = event if hasattr(event, "response") else last
    same((last.type, last.response.status), ("response.failed", "cancelled"))


def delete(client: OpenAI) -> None:
    response = client.responses.create(model="plain", input="hello")
    client.responses.delete(response.id)
    for call in (client.responses.retrieve, client.responses.delete):
        try:
            call(response.id)
        except NotFoundError:
            continue
        raise AssertionError("it is still there")


def chain(client: OpenAI) -> None:
    first = client.responses.create(model="plain", input="my cat is called Ada")
    second = client.responses.create(model="plain", input="echo request", previous_response_id=first.id)
    same(second.previous_response_id, first.id)
    assert "my cat is called Ada" in second.output_text


def own_output_as_input(client: OpenAI) -> None:
    turns: Any = [{"role": "user", "content": "my cat is called Ada"}]
    turns += client.responses.create(model="plain", input=turns).output
    turns.append({"role": "user", "content": "echo request"})
    response = client.responses.create(model="plain", input=turns)
    assert "my cat is called Ada" in response.output_text


def input_items_pages(client: OpenAI) -> None:
    turns: Any = [{"role": "user", "content": f"turn {n}"} for n in range(5)]
    first = client.responses.create(model="plain", input=turns)
    second = client.responses.create(model="plain", input="one more", previous_response_id=first.id)
    newest: list[Any] = list(client.responses.input_items.list(second.id, limit=2))
    oldest: list[Any] = list(client.responses.input_items.list(second.id, limit=3, order="asc"))
    same([item.id for item in newest], [item.id for item in reversed(oldest)])
    same(len(oldest), 7)
    same([item.content[0].text for item in (oldest[0], newest[0])], ["turn 0", "one more"])
    assert all(item.id and item.type == "message" and item.status == "completed" for item in oldest)


def included(client: OpenAI) -> None:
    response = client.responses.create(model="plain", input="hello", reasoning={"effort": "low"})
    wanted: Any = ["reasoning.encrypted_content", "message.output_text.logprobs"]
    thought: Any = client.responses.retrieve(response.id, include=wanted).output[0]
    assert thought.encrypted_content
    assert getattr(response.output[0], "encrypted_content", None) is None


def conversation(client: OpenAI) -> None:
    conversations = need(client, "conversations")
    item: Any = {"type": "message", "role": "user", "content": "one"}
    made = conversations.create(metadata={"a": "1"}, items=[item])
    same((made.object, made.metadata), ("conversation", {"a": "1"}))
    same(conversations.update(made.id, metadata={"b": "2"}).metadata, {"b": "2"})
    same(conversations.retrieve(made.id).metadata, {"b": "2"})
    added = conversations.items.create(made.id, items=[{**item, "content": str(n)} for n in range(3)])
    same(len(added.data), 3)
    listed = [entry.content[0].text for entry in conversations.items.list(made.id, limit=2, order="asc")]
    same(listed, ["one", "0", "1", "2"])
    same(conversations.items.retrieve(added.data[0].id, conversation_id=made.id).content[0].text, "0")
    same(conversations.items.delete(added.data[0].id, conversation_id=made.id).id, made.id)
    same(len(list(conversations.items.list(made.id))), 3)
    same((gone := conversations.delete(made.id)).deleted, True)
    same(gone.object, "conversation.deleted")


def conversation_turns(client: OpenAI) -> None:
    made = need(client, "conversations").create()
    first = client.responses.create(model="plain", input="my cat is called Ada", conversation=made.id)
    assert first.conversation is not None
    same(first.conversation.id, made.id)
    with client.responses.stream(model="plain", input="echo request", conversation=made.id) as stream:
        assert "my cat is called Ada" in stream.get_final_response().output_text
    roles = [item.role for item in client.conversations.items.list(made.id, order="asc")]
    same(roles, ["user", "assistant", "user", "assistant"])


def compact(client: OpenAI) -> None:
    compacted = need(client.responses, "compact")(model="plain", input="remember the word heliotrope")
    same((compacted.object, compacted.output[-1].type), ("response.compaction", "compaction"))
    following = client.responses.create(
        model="plain", input=[*compacted.output, {"role": "user", "content": "echo request"}]
    )
    same(following.status, "completed")


def input_tokens(client: OpenAI) -> None:
    counted = need(client.responses, "input_tokens").count(model="plain", input="one two three")
    same(counted.object, "response.input_tokens")
    assert counted.input_tokens > 0


def models(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert "strict/org/model-x" in names, names
    same(client.models.retrieve("strict/org/model-x").id, "strict/org/model-x")


def websocket(client: OpenAI) -> None:
    with need(client.responses, "connect")() as connection:
        connection.response.create(model="plain", input="my cat is called Ada", store=False)
        first = _turn(connection)
        connection.response.create(
            model="plain", input="echo request", store=False, previous_response_id=first.id
        )
        assert "my cat is called Ada" in _turn(connection).output_text


def websocket_refused(client: OpenAI) -> None:
    with need(client.responses, "connect")() as connection:
        connection.response.create(model="plain", input="hello", previous_response_id="resp_" + "0" * 48)
        event: Any = connection.recv()
        # the next line of the SDK types the fields within `error`, the one before beside it
        told = event if isinstance(event.error, dict) else event.error
        same((event.type, told.code), ("error", "previous_response_not_found"))
        connection.response.create(model="plain", input="hello")
        same(_turn(connection).status, "completed")


def _turn(connection: Any) -> Any:
    for event in connection:
        assert event.type != "error", event
        if event.type == "response.completed":
            return event.response
    raise AssertionError("the connection ended")


SCENARIOS: tuple[Scenario, ...] = (
    *(background_poll, resume, stream_helper_by_id, cancel, cancel_while_streaming, delete, chain),
    *(own_output_as_input, input_items_pages, included, conversation, conversation_turns, compact),
    *(input_tokens, models, websocket, websocket_refused),
)
