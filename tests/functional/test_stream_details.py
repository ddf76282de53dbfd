"""What streams do beside their events: padding, keep-alive comments, cursors, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.support.contract import Json, check_frames
from tests.support.event_order import check_numbers
from tests.support.running import started
from tests.support.stack import Stack
from tests.support.wire import create, create_stream, error_of, events_of, follow, forget_events, replay

PADDED = {"include_obfuscation": True}
SEALED = "reasoning.encrypted_content"
SLOW = "mock-n900-i20"


def deltas(events: list[Json]) -> list[Json]:
    return [event for event in events if event["type"].endswith(".delta")]


def varying(event: Json) -> int:
    """Bytes of what differs between two deltas of one text, its padding included."""
    values = [event[key] for key in ("sequence_number", "delta", "logprobs") if key in event]
    return sum(len(orjson.dumps(value)) for value in values) + len(event["obfuscation"])


@pytest.fixture(scope="module")
def padded(stack: Stack) -> bytes:
    return create_stream(stack, model="mock-n120", reasoning={"effort": "low"}, stream_options=PADDED).content


@pytest.fixture(scope="module")
def padded_id(padded: bytes) -> str:
    response_id: str = check_frames(padded)[0]["response"]["id"]
    return response_id


def test_obfuscation_when_asked_for_then_every_delta_and_nothing_else_has_it(padded: bytes) -> None:
    events = check_frames(padded)

    check_numbers(events, first=0)
    assert len(deltas(events)) > 100
    assert [event for event in events if "obfuscation" in event] == deltas(events)


def test_obfuscation_when_words_differ_in_length_then_their_frames_do_not(padded: bytes) -> None:
    words = deltas(check_frames(padded))

    assert len({len(event["delta"]) for event in words}) > 4
    assert {varying(event) for event in words} == {32}


def test_obfuscation_when_not_asked_for_then_the_rest_is_the_same(
    stack: Stack, padded: bytes, padded_id: str
) -> None:
    without = [{k: v for k, v in event.items() if k != "obfuscation"} for event in check_frames(padded)]

    assert without == check_frames(replay(stack, padded_id))


@pytest.mark.parametrize("hot", [True, False])
def test_obfuscation_when_replayed_with_it_then_byte_for_byte_the_same(
    stack: Stack, padded: bytes, padded_id: str, hot: bool
) -> None:
    if not hot:
        forget_events(stack, padded_id)

    again = stack.request("GET", f"/responses/{padded_id}?stream=true&include_obfuscation=true")

    assert again.content == padded


def test_obfuscation_when_replayed_from_the_middle_then_the_rest_is_the_same(
    stack: Stack, padded: bytes, padded_id: str
) -> None:
    query = "?stream=true&include_obfuscation=true&starting_after=40"

    rest = stack.request("GET", f"/responses/{padded_id}{query}").content

    assert rest == b"\n\n".join(padded.split(b"\n\n")[41:])


@pytest.mark.parametrize("options", [None, {}, {"include_obfuscation": None}, {"include_obfuscation": False}])
def test_obfuscation_when_not_asked_for_then_no_event_has_it(stack: Stack, options: Json | None) -> None:
    answer = create_stream(stack, stream_options=options)

    assert b"obfuscation" not in answer.content


def test_obfuscation_when_followed_without_asking_then_no_event_has_it(stack: Stack, padded_id: str) -> None:
    assert b"obfuscation" not in replay(stack, padded_id)


def test_obfuscation_with_the_sdk_when_asked_for_then_the_text_is_whole(stack: Stack) -> None:
    options: Any = PADDED
    with stack.client().responses.create(
        model="plain", input="hello", stream=True, stream_options=options
    ) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")

    assert "hello" in text


def test_stream_when_nothing_comes_then_comments_keep_it_alive(impatient: Stack) -> None:
    answer = create_stream(impatient, model="mock-n2-l1500-i1500")

    blocks = answer.content.split(b"\n\n")
    first_word = next(n for n, block in enumerate(blocks) if b".delta" in block)
    assert b": keep-alive" in blocks[:first_word]
    assert b": keep-alive" in blocks[first_word:]
    check_numbers(events_of(answer), first=0)


def test_stream_when_kept_alive_then_the_sdk_sees_only_events(impatient: Stack) -> None:
    with impatient.client().responses.create(model="mock-n2-l1500", input="x", stream=True) as stream:
        kinds = [event.type for event in stream]

    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")


def test_follow_when_kept_alive_then_no_comment_counts_as_an_event(impatient: Stack) -> None:
    response_id = create(impatient, model="mock-n2-l1500", background=True)["id"]

    raw = replay(impatient, response_id, 1)

    assert b": keep-alive\n\n" in raw
    check_numbers(check_frames(raw), first=2)


@pytest.mark.parametrize("body", [{}, {"background": True}, {"store": False}])
def test_stream_when_whole_then_done_is_said_once_and_last(stack: Stack, body: Json) -> None:
    raw = create_stream(stack, **body).content

    assert raw.endswith(b"\n\ndata: [DONE]\n\n") and raw.count(b"[DONE]") == 1


@pytest.mark.parametrize("background", [True, False])
def test_stream_when_cancelled_then_it_ends_as_failed_whose_response_is_cancelled(
    stack: Stack, background: bool
) -> None:
    with create_stream(stack, model=SLOW, background=background) as answer:
        lines = answer.iter_lines()
        head = [next(lines), next(lines)]
        response_id = orjson.loads(head[1].removeprefix(b"data: "))["response"]["id"]
        stack.request("POST", f"/responses/{response_id}/cancel")
        rest = [line for line in lines if line]

    last = orjson.loads(rest[-2].removeprefix(b"data: "))
    assert (last["type"], last["response"]["status"]) == ("response.failed", "cancelled")
    assert rest[-1] == b"data: [DONE]"


def test_follow_when_cancelled_before_then_the_same_ending(stack: Stack) -> None:
    response_id = create(stack, model=SLOW, background=True)["id"]
    cancelled = stack.request("POST", f"/responses/{response_id}/cancel").json()

    last = follow(stack, response_id)[-1]

    assert (last["type"], last["response"]) == ("response.failed", cancelled)


def test_follow_after_the_last_or_beyond_then_only_done(stack: Stack) -> None:
    response_id = create(stack)["id"]
    last = len(check_frames(replay(stack, response_id))) - 1

    rests = [replay(stack, response_id, after) for after in (last, last + 1, 2**62)]

    assert rests == [b"data: [DONE]\n\n"] * 3


def test_follow_with_last_event_id_then_it_is_ignored(stack: Stack) -> None:
    response_id = create(stack)["id"]
    path = f"/responses/{response_id}?stream=true"

    answer = stack.request("GET", path, headers={"Last-Event-ID": "3"})

    assert answer.content == replay(stack, response_id)


def test_stream_when_not_stored_then_it_streams_and_cannot_be_fetched(stack: Stack) -> None:
    events = events_of(create_stream(stack, store=False, stream_options=PADDED))

    check_numbers(events, first=0)
    fetched = stack.request("GET", f"/responses/{events[0]['response']['id']}")
    assert (fetched.status_code, error_of(fetched)["code"]) == (404, "response_not_found")


@pytest.fixture(scope="module")
def thought(stack: Stack) -> Json:
    """A response with reasoning, created without asking for its encrypted content."""
    return create(stack, reasoning={"effort": "low"})


def sealed(response: Json) -> list[str | None]:
    return [item.get("encrypted_content") for item in response["output"] if item["type"] == "reasoning"]


def test_retrieve_when_the_seal_is_asked_for_then_it_is_there_and_the_rest_the_same(
    stack: Stack, thought: Json
) -> None:
    shown = stack.request("GET", f"/responses/{thought['id']}", params={"include[]": SEALED}).json()

    assert all(sealed(shown)) and len(sealed(shown)) == 1
    for item in shown["output"]:
        item.pop("encrypted_content", None)
    assert shown == thought


def test_retrieve_when_the_seal_is_not_asked_for_then_it_is_not_there(stack: Stack, thought: Json) -> None:
    shown = stack.request("GET", f"/responses/{thought['id']}").json()

    assert (sealed(thought), sealed(shown)) == ([None], [None])


def test_retrieve_with_the_sdk_when_the_seal_is_asked_for_then_the_next_turn_can_send_it(
    stack: Stack, thought: Json
) -> None:
    responses = stack.client().responses
    shown: Any = responses.retrieve(thought["id"], include=[SEALED])
    turns = [{"role": "user", "content": "x"}, *shown.output, {"role": "user", "content": "once more"}]

    again = responses.create(model="plain", input=turns, store=False)

    assert "once more" in again.output_text


@pytest.mark.parametrize("path", ["", "/input_items"])
@pytest.mark.parametrize("style", ["include[]", "include"])
def test_include_when_its_values_are_known_then_accepted(
    stack: Stack, thought: Json, path: str, style: str
) -> None:
    values = [
        *("file_search_call.results", "web_search_call.results", "web_search_call.action.sources"),
        *("message.input_image.image_url", "computer_call_output.output.image_url"),
        *("code_interpreter_call.outputs", SEALED, "message.output_text.logprobs"),
    ]

    answer = stack.request("GET", f"/responses/{thought['id']}{path}", params={style: values})

    assert answer.status_code == 200


def test_retrieve_of_a_running_response_when_the_seal_is_asked_for_then_as_it_is(stack: Stack) -> None:
    response_id = create(stack, model=SLOW, background=True)["id"]

    answer = stack.request("GET", f"/responses/{response_id}", params={"include[]": SEALED})
    stack.request("POST", f"/responses/{response_id}/cancel")

    assert answer.json()["status"] in ("queued", "in_progress")


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that says something after a fifth of a second of silence."""
    with started(Stack(tmp_path_factory.mktemp("impatient"), {"RESPOOL_KEEPALIVE_SECONDS": "0.2"})) as stack:
        yield stack
