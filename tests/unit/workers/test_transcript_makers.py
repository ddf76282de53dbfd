"""A chain that changes its provider: what the next one is told, and what it could not read."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import UpstreamError
from shared.ids import output_item_id
from shared.store import Store
from shared.store.rows import Claim, Ending
from shared.wire.makers import signed
from tests.support.backends import Backends
from tests.support.rows import claimed, ending, finished
from workers.sealed_content import make_sealer
from workers.transcript import Addressee, latest, transcript

MAIN, CHAT, MESSAGES = (
    Addressee("main"),
    Addressee("chat", "chat_completions"),
    Addressee("claude", "messages"),
)


@pytest.fixture
def store(backends: Backends) -> Store:
    return backends.store


def reasoning(maker: str, sealed: str = "S", **more: Any) -> dict[str, Any]:
    return {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [],
        "encrypted_content": signed(sealed, maker),
        **more,
    }


def told(
    store: Store, addressee: Addressee, *earlier: dict[str, Any], own: Any = "next"
) -> list[dict[str, Any]]:
    """What the addressee is told after a turn that gave these items."""
    claim = claimed(store, "first")
    assert store.leases.gate(claim.row.id, claim.row.attempt)
    plain = ending(claim, "answer")
    said = Ending(plain.status, plain.response, [*earlier, *plain.output_items])
    assert store.endings.finish(claim.row.id, claim.row.attempt, said, []) is not None
    after = (
        claimed(store, own, previous_response_id=claim.row.id)
        if isinstance(own, str)
        else _with(store, own, claim)
    )
    items = transcript(store.items, after, make_sealer("", "pepper"), addressee)
    assert isinstance(items, list)
    return items


def _with(store: Store, own: list[dict[str, Any]], before: Claim) -> Claim:
    return claimed(store, request={"model": "m", "input": own}, previous_response_id=before.row.id)


def kinds(items: list[dict[str, Any]]) -> list[str]:
    return [item.get("type", "message") for item in items]


def test_reasoning_when_its_maker_is_asked_again_then_as_it_was_sealed(store: Store) -> None:
    items = told(store, MAIN, reasoning("main"))

    assert kinds(items) == ["message", "reasoning", "message", "message"]
    assert items[1] == {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "S"}


@pytest.mark.parametrize("addressee", [CHAT, MESSAGES, Addressee("main2")], ids=lambda a: a.maker)
def test_reasoning_when_another_is_asked_then_left_out(store: Store, addressee: Addressee) -> None:
    assert kinds(told(store, addressee, reasoning("main"))) == ["message", "message", "message"]


def test_reasoning_when_in_clear_and_its_maker_is_asked_then_without_the_sign(store: Store) -> None:
    text = [{"type": "reasoning_text", "text": "hm"}]

    items = told(store, CHAT, reasoning("chat", "", content=text))

    assert items[1] == {"id": "rs_1", "type": "reasoning", "summary": [], "content": text}


def test_reasoning_when_in_clear_and_another_is_asked_then_left_out(store: Store) -> None:
    clear = reasoning("chat", "", content=[{"type": "reasoning_text", "text": "hm"}])

    assert kinds(told(store, MAIN, clear)) == ["message", "message", "message"]


@pytest.mark.parametrize(("maker", "sent"), [("main", ["reasoning", "message"]), ("chat", ["message"])])
def test_own_reasoning_when_its_client_kept_it_then_as_if_it_was_kept_here(
    store: Store, maker: str, sent: list[str]
) -> None:
    own = [reasoning(maker), {"role": "user", "content": "x"}]
    claim = claimed(store, request={"model": "m", "input": own})

    assert kinds(latest(claim, make_sealer("", "pepper"), MAIN)) == sent


def test_own_reasoning_when_from_elsewhere_then_as_it_came(store: Store) -> None:
    foreign = {"id": "rs_9", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    claim = claimed(store, request={"model": "m", "input": [foreign]})

    assert latest(claim, make_sealer("", "pepper"), MAIN) == [foreign]


def test_compaction_when_made_within_the_chain_and_another_is_asked_then_the_turns_stand_for_it(
    store: Store,
) -> None:
    made = {
        "id": output_item_id("resp_1", 0, "compaction"),
        "type": "compaction",
        "encrypted_content": signed("S", "main"),
    }

    assert kinds(told(store, CHAT, made)) == ["message", "message", "message"]


def test_compaction_when_it_came_from_outside_and_another_is_asked_then_refused(store: Store) -> None:
    given = {"id": "cmp_1", "type": "compaction", "encrypted_content": signed("S", "main")}

    with pytest.raises(UpstreamError) as raised:
        told(store, CHAT, given)
    assert raised.value.refusal is not None and raised.value.refusal["status"] == 400


@pytest.mark.parametrize(
    ("addressee", "call_id", "kept"),
    [
        (MAIN, "functions.get_weather:0", True),
        (MAIN, "c" * 65, False),
        (CHAT, "functions.get_weather:0", True),
        (CHAT, "c" * 41, False),
        (MESSAGES, "toolu_1-a", True),
        (MESSAGES, "functions.get_weather:0", False),
    ],
)
def test_call_when_its_id_is_none_for_the_next_dialect_then_both_ends_get_another(
    store: Store, addressee: Addressee, call_id: str, kept: bool
) -> None:
    call = {"id": "fc_1", "type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": call_id, "output": "4"}

    items = told(store, addressee, call, own=[output])

    (named,) = {item["call_id"] for item in items if "call_id" in item}
    assert [item["type"] for item in items if "call_id" in item] == ["function_call", "function_call_output"]
    assert (named == call_id) is kept


def test_latest_when_there_are_turns_before_then_the_own_input_alone(store: Store) -> None:
    first = finished(store, "q0", "a0").row
    claim = claimed(store, "q1", previous_response_id=first.id)

    assert latest(claim, make_sealer("", "pepper"), MAIN) == [{"role": "user", "content": "q1"}]
