"""Background responses: polled, followed from anywhere, by anyone of the tenant, the same bytes always."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.contract import Json, check_frames, check_response
from tests.support.event_order import check_story
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create, create_stream, events_of, follow, forget_events, replay


def get(stack: Stack, response_id: str) -> Json:
    return check_response(stack.request("GET", f"/responses/{response_id}").json())


def test_create_when_background_then_it_returns_at_once_queued(stack: Stack) -> None:
    response = check_response(create(stack, model="mock-n50-i20", background=True))

    assert (response["status"], response["background"], response["output"]) == ("queued", True, [])


def test_poll_when_it_runs_then_it_becomes_completed(stack: Stack) -> None:
    response = create(stack, model="mock-n20-i10", background=True)
    seen = []

    def is_over() -> bool:
        seen.append(get(stack, response["id"])["status"])
        return seen[-1] not in ("queued", "in_progress")

    wait_until(is_over, "the response is completed")

    order = ["queued", "in_progress", "completed"]
    assert seen[-1] == "completed" and seen == sorted(seen, key=order.index)


def test_poll_with_the_sdk_when_it_runs_then_the_text_comes(stack: Stack) -> None:
    responses = stack.client().responses
    response = responses.create(model="plain", input="hello", background=True)

    wait_until(lambda: responses.retrieve(response.id).status == "completed", "the end")

    assert "hello" in responses.retrieve(response.id).output_text


def test_follow_when_it_still_runs_then_the_whole_story_comes(stack: Stack) -> None:
    response = create(stack, model="mock-n30-i10", background=True)

    events = follow(stack, response["id"])

    assert check_story(events, background=True) == get(stack, response["id"])


def test_follow_after_every_number_when_ended_then_exactly_the_rest_comes(stack: Stack, ended: str) -> None:
    whole = replay(stack, ended)
    blocks = whole.split(b"\n\n")
    count = len(check_frames(whole))

    rests = {after: replay(stack, ended, after) for after in range(count)}

    assert rests == {after: b"\n\n".join(blocks[after + 1 :]) for after in range(count)}


def test_follow_after_every_number_when_archived_then_exactly_the_rest_comes(
    stack: Stack, ended: str
) -> None:
    whole = replay(stack, ended)
    count = len(check_frames(whole))

    forget_events(stack, ended)
    rests = {after: replay(stack, ended, after) for after in range(count)}

    assert rests == {after: b"\n\n".join(whole.split(b"\n\n")[after + 1 :]) for after in range(count)}


def test_replay_when_archived_then_byte_for_byte_what_was_streamed(stack: Stack) -> None:
    streamed = create_stream(stack, background=True).content
    response_id = check_frames(streamed)[0]["response"]["id"]
    hot = replay(stack, response_id)

    forget_events(stack, response_id)

    assert (hot == streamed, replay(stack, response_id) == streamed) == (True, True)


def test_replay_when_there_are_more_events_than_a_page_then_all_of_them_come(stack: Stack) -> None:
    response = create(stack, model="mock-n1200")
    hot = replay(stack, response["id"])

    forget_events(stack, response["id"])

    assert replay(stack, response["id"]) == hot
    assert check_story(check_frames(hot)) == response


def test_follow_after_every_number_when_it_runs_then_no_gap_and_no_repeat(stack: Stack) -> None:
    response = create(stack, model="mock-n25-i20", background=True)

    with ThreadPoolExecutor(12) as pool:
        rests = list(pool.map(lambda after: follow(stack, response["id"], after), range(0, 24, 2)))

    whole = follow(stack, response["id"])
    assert rests == [whole[after + 1 :] for after in range(0, 24, 2)]


def test_two_followers_when_they_read_the_same_stream_then_equal_bytes(stack: Stack) -> None:
    response = create(stack, model="mock-n40-i10", background=True)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: replay(stack, response["id"]), range(2))

    assert one == other
    check_story(check_frames(one), background=True)


def test_resume_when_the_reader_left_in_the_middle_then_it_goes_on_from_there(stack: Stack) -> None:
    seen = b""
    with create_stream(stack, model="mock-n40-i10", background=True) as answer:
        for chunk in answer.iter_content(None):
            seen += chunk
            if seen.count(b"\n\n") >= 10:
                break
    whole_frames = seen.split(b"\n\n")[:-1]
    response_id = seen.decode().split('"id":"')[1].split('"')[0]

    rest = replay(stack, response_id, len(whole_frames) - 1)

    check_story(check_frames(b"\n\n".join(whole_frames) + b"\n\n" + rest), background=True)
    assert len(stack.calls(response_id)) == 1


def test_follow_when_the_other_mount_is_used_then_the_same_stream(stack: Stack, ended: str) -> None:
    guide = stack.base_url.removesuffix("/v1") + "/api/llm/api/inference/openai"
    client = stack.client().with_options(base_url=guide)

    events = [
        event.sequence_number for event in client.responses.retrieve(ended, stream=True, starting_after=4)
    ]

    assert events == [event["sequence_number"] for event in follow(stack, ended, 4)]


def test_stream_when_in_background_and_store_false_then_it_is_readable_by_id(stack: Stack) -> None:
    events = events_of(create_stream(stack, background=True, store=False))

    assert get(stack, events[0]["response"]["id"])["store"] is False
