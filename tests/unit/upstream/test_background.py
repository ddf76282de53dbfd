"""Background generations go on without their client, can be resumed, and stop when cancelled."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import requests

from tests.unit.upstream.client import Client, events, eventually, text_of

SLOW: dict[str, Any] = {"model": "mock-n40-i5", "background": True}
ENDLESS: dict[str, Any] = {"model": "mock-n9-i60000", "background": True}


def _leave_after(client: Client, lines: int, key: str, **body: Any) -> str:
    """Starts a background stream, reads some lines, hangs up; returns the response's id."""
    answer = client.post("/responses", {"input": "hi", "stream": True, **body}, key, stream=True)
    with answer:
        read = b"\n".join(itertools.islice(answer.iter_lines(), lines))
    response_id: str = events(read)[0]["response"]["id"]
    return response_id


def _cancel(client: Client, response_id: str) -> requests.Response:
    return client.session.post(f"{client.running.url}/v1/responses/{response_id}/cancel", timeout=20)


def test_background_create_answers_queued_and_completes(client: Client) -> None:
    made = client.made(**SLOW)

    assert made["status"] == "queued"
    assert eventually(lambda: client.get(made["id"]).json()["status"] == "completed")


def test_background_stream_has_queued_second(client: Client) -> None:
    got = client.streamed(**SLOW)

    names = [event["type"] for event in got[:3]]
    assert names == ["response.created", "response.queued", "response.in_progress"]


def test_background_goes_on_when_the_client_leaves(client: Client) -> None:
    response_id = _leave_after(client, 20, "k", **SLOW)

    assert eventually(lambda: client.get(response_id).json()["status"] == "completed")
    call = client.calls("k")[0]
    assert (call["outcome"], call["words"], call["client_gone"]) == ("completed", 40, True)


@pytest.mark.parametrize("after", [0, 3, 30])
def test_resume_from_any_number_gives_the_rest(client: Client, after: int) -> None:
    response_id = _leave_after(client, 20, "k", **SLOW)

    got = events(client.get(response_id, stream="true", starting_after=after).content)

    assert [e["sequence_number"] for e in got] == list(range(after + 1, got[-1]["sequence_number"] + 1))
    assert len(text_of(got[-1]["response"]).split()) == 40


def test_resume_without_cursor_replays_everything(client: Client) -> None:
    whole = client.streamed(**SLOW)

    again = events(client.get(whole[0]["response"]["id"], stream="true").content)

    assert again == whole


def test_resume_beyond_the_end_is_empty(client: Client) -> None:
    whole = client.streamed(**SLOW)

    again = client.get(whole[0]["response"]["id"], stream="true", starting_after=999)

    assert (again.status_code, again.content) == (200, b"")


def test_resume_is_in_the_ledger_under_the_key(client: Client) -> None:
    response_id = _leave_after(client, 20, "k", **SLOW)

    client.get(response_id, stream="true", starting_after=2)

    (resume,) = client.running.ledger()["resumes"]["k"]
    assert (resume["starting_after"], resume["outcome"]) == (2, "completed")


def test_resume_can_be_told_to_break(client: Client) -> None:
    response_id = client.streamed("k", **SLOW)[0]["response"]["id"]
    client.running.script("fault=cut:1", key="k", on="resume")

    got = events(client.get(response_id, stream="true").content)

    assert got[-1]["type"] == "response.output_text.delta"


def test_broken_background_stream_can_be_resumed(client: Client) -> None:
    cut = client.streamed(**{**SLOW, "model": "mock-n40-i5!fault=cut:3"})

    rest = events(
        client.get(cut[0]["response"]["id"], stream="true", starting_after=cut[-1]["sequence_number"]).content
    )

    assert rest[0]["sequence_number"] == cut[-1]["sequence_number"] + 1
    assert rest[-1]["type"] == "response.completed"


def test_resume_of_a_foreground_response_is_refused(client: Client) -> None:
    made = client.made()

    assert client.get(made["id"], stream="true").status_code == 400


def test_cancel_stops_the_generation(client: Client) -> None:
    response_id = _leave_after(client, 10, "k", **ENDLESS)

    cancelled = _cancel(client, response_id)

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert client.calls("k")[0]["outcome"] == "aborted"


def test_cancelled_generation_says_nothing_more(client: Client) -> None:
    response_id = _leave_after(client, 10, "k", **SLOW)
    _cancel(client, response_id)

    client.streamed(**SLOW)  # lasts longer than what was left of the cancelled one
    replay = events(client.get(response_id, stream="true").content)

    assert replay[-1]["type"] == "response.failed"
    assert client.get(response_id).json()["status"] == "cancelled"


def test_cancel_ends_a_followed_stream_with_failed(client: Client) -> None:
    response_id = _leave_after(client, 10, "k", **ENDLESS)
    with requests.Session() as other:
        other.headers["Authorization"] = "Bearer t"
        url = f"{client.running.url}/responses/{response_id}?stream=true"
        with other.get(url, stream=True, timeout=20) as followed:
            _cancel(client, response_id)
            last = events(followed.content)[-1]

    assert (last["type"], last["response"]["status"]) == ("response.failed", "cancelled")


def test_cancel_again_is_the_same_and_of_a_completed_one_refused(client: Client) -> None:
    running, done = client.made(**ENDLESS), client.streamed(**SLOW)[0]["response"]
    _cancel(client, running["id"])

    assert (_cancel(client, running["id"]).status_code, _cancel(client, done["id"]).status_code) == (200, 400)


def test_delete_of_a_running_response_is_refused(client: Client) -> None:
    made = client.made(**ENDLESS)

    answer = client.session.delete(f"{client.running.url}/v1/responses/{made['id']}", timeout=20)

    assert answer.status_code == 400
    _cancel(client, made["id"])
