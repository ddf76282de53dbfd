"""The assembler's Response at the end: the final object, the envelope, what stays private."""

from __future__ import annotations

from typing import Any

import pytest

from shared import ids
from tests.unit.workers.assembler_events import (
    added,
    assembler,
    delta,
    done,
    ended,
    message,
    outcome,
    output,
    run,
    types,
)
from workers.assembler import ENCRYPTED_CONTENT

# the final object


def test_final_output_when_never_streamed_then_said_as_a_whole_sequence() -> None:
    target = assembler()

    said = run(target, {"object": "response", "status": "completed", "output": [message("Hi")]})

    assert types(said)[1:] == [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]


def test_final_output_when_it_knows_more_of_a_streamed_item_then_taken_over() -> None:
    target = assembler()
    note = {"type": "url_citation"}
    part = {"type": "output_text", "text": "a", "annotations": [note], "novel": 1}

    run(
        target,
        delta("a"),
        done(0, **message("a")),
        ended(output=[message() | {"content": [part], "phase": "x"}]),
    )

    assert output(target)[0]["phase"] == "x"
    assert output(target)[0]["content"][0]["annotations"] == [note]
    assert output(target)[0]["content"][0]["novel"] == 1


def test_final_output_when_its_first_item_was_never_streamed_then_texts_are_not_mixed_up() -> None:
    target = assembler()

    run(target, delta("b", 1), ended(output=[message("a"), message("b")]))

    assert sorted(item["content"][0]["text"] for item in output(target)) == ["a", "b"]


def test_unknown_item_when_streamed_then_whole_with_our_id() -> None:
    target = assembler()

    said = run(
        target,
        added(0, type="acme:thing", id="t1", status="in_progress", size=1),
        {"type": "response.acme.progress", "item_id": "t1", "output_index": 0, "step": 2},
        done(0, type="acme:thing", id="t1", status="done", size=2),
        ended(),
    )

    ours = ids.output_item_id("resp_t", 0, "acme:thing")
    assert output(target) == [{"id": ours, "type": "acme:thing", "status": "done", "size": 2}]
    assert (said[2]["item_id"], said[2]["step"]) == (ours, 2)


def test_unknown_event_when_without_an_item_then_renumbered() -> None:
    said = run(assembler(), {"type": "response.novel", "sequence_number": 99, "response_id": "up", "x": [1]})

    assert said[1] == {"type": "response.novel", "sequence_number": 2, "response_id": "resp_t", "x": [1]}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.novel", "error": {"message": "x"}},
        {"type": "response.novel", "output_index": 4},
        {"type": "keepalive", "sequence_number": 3},
    ],
)
def test_unknown_event_when_it_would_harm_clients_then_dropped(event: dict[str, Any]) -> None:
    assert types(run(assembler(), event)) == ["in_progress"]


# the envelope


def test_envelope_when_the_upstream_resolves_fields_then_taken_over() -> None:
    target = assembler()

    run(
        target,
        ended(
            model="real", temperature=0.5, service_tier="flex", novel={"a": 1}, reasoning={"effort": "low"}
        ),
    )

    response = outcome(target).response
    assert [response[k] for k in ("model", "temperature", "service_tier", "novel")] == [
        "real",
        0.5,
        "flex",
        {"a": 1},
    ]
    assert response["reasoning"] == {"effort": "low", "summary": None}


@pytest.mark.parametrize(
    "key",
    [
        "id",
        "created_at",
        "store",
        "background",
        "previous_response_id",
        "conversation",
        "metadata",
        "provider",
        "user",
        "safety_identifier",
        "prompt_cache_key",
        "instructions",
        "tools",
        "completed_at",
        "object",
    ],
)
def test_envelope_when_a_field_is_ours_then_never_the_upstreams(key: str) -> None:
    target = assembler()

    run(target, ended(**{key: "theirs"}))

    assert outcome(target).response.get(key) != "theirs"


@pytest.mark.parametrize("value", [None, "hot", [], True])
def test_envelope_when_the_upstreams_value_is_unfit_then_ours_stays(value: Any) -> None:
    target = assembler()

    run(target, ended(temperature=value))

    assert outcome(target).response["temperature"] == 1.0


def test_envelope_when_only_the_opening_echoes_then_still_taken_over() -> None:
    target = assembler()

    run(target, {"type": "response.created", "response": {"model": "real"}}, ended())

    assert outcome(target).response["model"] == "real"


def test_envelope_when_a_later_echo_is_null_then_the_earlier_stays() -> None:
    target = assembler()

    run(target, {"type": "response.created", "response": {"novel": 1}}, ended(novel=None))

    assert outcome(target).response["novel"] == 1


# encrypted content


@pytest.mark.parametrize(("include", "shown"), [((), False), ((ENCRYPTED_CONTENT,), True)])
def test_encrypted_content_when_not_asked_for_then_only_stored(include: tuple[str, ...], shown: bool) -> None:
    target = assembler(*include)

    said = run(target, done(0, type="reasoning", id="rs_1", summary=[], encrypted_content="SECRET"), ended())

    assert ("SECRET" in str(said)) is shown
    assert ("encrypted_content" in output(target)[0]) is shown
    assert outcome(target).items[0]["encrypted_content"] == "SECRET"


def test_encrypted_content_when_only_the_final_object_has_it_then_stored() -> None:
    target = assembler()
    item = {"type": "reasoning", "id": "rs_1", "summary": []}

    run(target, done(0, **item), ended(output=[item | {"encrypted_content": "E"}]))

    assert outcome(target).items[0]["encrypted_content"] == "E"
