"""What the assembler writes of a maker: into sealed content, and into the ids it makes itself."""

from __future__ import annotations

from typing import Any

import pytest

from shared.wire.makers import is_foreign, signed
from tests.unit.workers import assembler_events
from tests.unit.workers.assembler_events import added, done, ended, outcome, run
from workers.assembler import ENCRYPTED_CONTENT, Assembler

SEALED = {"type": "reasoning", "id": "rs_up", "summary": [], "encrypted_content": "S"}


def assembler(*include: str, next_sequence: int = 1) -> Assembler:
    return assembler_events.assembler(*include, next_sequence=next_sequence, maker="main")


def thought(index: int = 0) -> list[dict[str, Any]]:
    return [added(index, type="reasoning", id="rs_up", summary=[]), done(index, **SEALED)]


def seals(said: list[dict[str, Any]]) -> list[Any]:
    """Of each event that shows an item, and of the object."""
    shown = [event["item"] for event in said if "item" in event]
    return [item.get("encrypted_content") for item in shown]


def test_reasoning_when_sealed_then_signed_wherever_it_is_shown() -> None:
    target = assembler(ENCRYPTED_CONTENT)

    said = run(target, *thought(), ended(output=[SEALED]))

    (item,) = outcome(target).response["output"]
    assert (seals(said), item["encrypted_content"]) == ([None, "rsm1:main:S"], "rsm1:main:S")


@pytest.mark.parametrize("final", [{}, {"output": [SEALED]}])
def test_reasoning_when_the_seal_is_private_then_signed_in_what_is_stored_alone(
    final: dict[str, Any],
) -> None:
    target = assembler()

    said = run(target, *thought(), ended(**final))

    (public,) = outcome(target).response["output"]
    (private,) = outcome(target).items
    assert (seals(said), "encrypted_content" in public) == ([None, None], False)
    assert private["encrypted_content"] == signed("S", "main")


def test_reasoning_when_in_clear_then_the_sign_stands_alone() -> None:
    target = assembler(ENCRYPTED_CONTENT)

    said = run(target, {"type": "response.reasoning_text.delta", "output_index": 0, "delta": "hm"}, ended())

    (item,) = outcome(target).response["output"]
    assert seals(said) == [None, signed("", "main")]
    assert (item["encrypted_content"], item["content"][0]["text"]) == (signed("", "main"), "hm")


def test_reasoning_when_its_id_is_ours_then_that_tells_the_maker_too() -> None:
    target = assembler()

    run(target, {"type": "response.reasoning_text.delta", "output_index": 0, "delta": "hm"}, ended())

    (item,) = outcome(target).response["output"]
    assert (is_foreign(item, "main"), is_foreign(item, "other")) == (False, True)


def test_compaction_when_an_upstream_made_it_then_signed() -> None:
    target = assembler()

    run(target, done(0, type="compaction", id="cmp_1", encrypted_content="S"), ended())

    (item,) = outcome(target).response["output"]
    assert item["encrypted_content"] == "rsm1:main:S"


@pytest.mark.parametrize("include", [(), (ENCRYPTED_CONTENT,)])
@pytest.mark.parametrize("taken_over_after", [1, 2, 3])
def test_stream_when_taken_over_then_signed_once(taken_over_after: int, include: tuple[str, ...]) -> None:
    events = [*thought(), ended(output=[SEALED])]
    first = assembler(*include)
    frames = first.begin()
    for event in events[: taken_over_after - 1]:
        frames += first.feed(event)
    second = assembler(*include, next_sequence=0)
    second.restore(frames)

    for event in events[taken_over_after - 1 :]:
        second.feed(event)

    (item,) = outcome(second).items
    assert item["encrypted_content"] == "rsm1:main:S"
