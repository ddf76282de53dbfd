"""Quirks make the upstream an incomplete but honest server."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.upstream.client import Client, events, text_of

REASONED: dict[str, Any] = {"reasoning": {"effort": "low"}}


def _types(got: list[dict[str, Any]]) -> set[str]:
    return {event["type"] for event in got}


def test_no_sequence_leaves_the_numbers_out(client: Client) -> None:
    got = client.streamed(model="mock!quirk=no_sequence")

    assert not any("sequence_number" in event for event in got)


def test_seq_jumps_numbers_with_gaps(client: Client) -> None:
    got = client.streamed(model="mock!quirk=seq_jumps")

    assert [event["sequence_number"] for event in got][:3] == [0, 3, 6]


def test_foreign_ids_are_short(client: Client) -> None:
    final = client.streamed(model="mock!quirk=foreign_ids")[-1]["response"]

    assert (final["id"][0], final["output"][0]["id"]) == ("x", "x1")


def test_no_ids_leaves_item_ids_out(client: Client) -> None:
    got = client.streamed(model="mock!quirk=no_ids")

    assert not any("item_id" in event or "id" in event.get("item", {}) for event in got)
    assert "id" not in got[-1]["response"]["output"][0]


def test_no_done_leaves_done_events_out(client: Client) -> None:
    got = client.streamed(model="mock!quirk=no_done", **REASONED)

    assert not any(name.endswith(".done") for name in _types(got))


def test_no_done_in_chat_leaves_the_marker_out(client: Client) -> None:
    assert b"[DONE]" not in client.chat(model="mock!quirk=no_done", stream=True).content


def test_done_marker_ends_a_responses_stream(client: Client) -> None:
    answer = client.create(model="mock!quirk=done_marker", stream=True)

    assert answer.content.endswith(b"data: [DONE]\n\n")


def test_no_event_lines_leaves_only_data(client: Client) -> None:
    answer = client.create(model="mock!quirk=no_event_lines", stream=True)

    assert (b"event:" in answer.content, len(events(answer.content)) > 5) == (False, True)


def test_small_envelope_has_eight_keys(client: Client) -> None:
    got = client.streamed(model="mock!quirk=small_envelope")

    assert [len(event["response"]) for event in got if "response" in event] == [8, 8, 8]


def test_no_added_parts_leaves_part_openings_out(client: Client) -> None:
    got = client.streamed(model="mock!quirk=no_added_parts", **REASONED)

    assert not _types(got) & {"response.content_part.added", "response.reasoning_summary_part.added"}


def test_no_usage_leaves_it_null(client: Client) -> None:
    final = client.streamed(model="mock!quirk=no_usage")[-1]["response"]

    assert final["usage"] is None


def test_null_deltas_come_before_the_real_ones(client: Client) -> None:
    got = client.streamed(model="mock-n2!quirk=null_deltas")

    assert [event["delta"] for event in got if "delta" in event] == [None, "rivers", None, " carry"]


def test_json_answer_ignores_stream(client: Client) -> None:
    answer = client.create(model="mock!quirk=json_answer", stream=True)

    assert (answer.headers["content-type"], answer.json()["status"]) == ("application/json", "completed")


def test_unknown_events_appear_once_and_the_rest_stays(client: Client) -> None:
    got = client.streamed(model="mock-n3!quirk=unknown_events")

    assert {"response.novelty.progress", "keepalive", "response.completed"} <= _types(got)


def test_other_final_disagrees_with_the_deltas(client: Client) -> None:
    got = client.streamed(model="mock-n3!quirk=other_final")

    assert text_of(got[-1]["response"]) == "Something else entirely."


def _chunk_sizes(client: Client, quirk: str) -> list[int]:
    body = {"model": f"mock-n3!quirk={quirk}", "input": "hi", "stream": True}
    with client.post("/responses", body, stream=True) as answer:
        sizes = [len(chunk) for chunk in answer.raw.read_chunked()]
    return sizes


def test_one_chunk_sends_the_whole_stream_in_one(client: Client) -> None:
    assert len(_chunk_sizes(client, "one_chunk")) == 1


def test_byte_chunks_sends_one_byte_a_chunk(client: Client) -> None:
    assert set(_chunk_sizes(client, "byte_chunks")) == {1}


def test_words_and_pace_override_the_model(client: Client) -> None:
    got = client.streamed(model="demo!words=5&pace=1")

    assert len(text_of(got[-1]["response"]).split()) == 5


def test_quirks_combine(client: Client) -> None:
    answer = client.create(model="mock!quirk=no_sequence&quirk=no_ids&quirk=no_event_lines", stream=True)

    last = json.loads(answer.content.rstrip().rsplit(b"data: ", 1)[1])
    assert (last["type"], "sequence_number" in last) == ("response.completed", False)
