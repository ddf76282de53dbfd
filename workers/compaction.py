"""A conversation made short: by the upstream's own endpoint, else as a summary by the model itself.

Our summaries are sealed, so that a client can carry them without reading or forging them; a later
turn that brings one back is sent upstream with the summary in its place.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import orjson

from shared.errors import UpstreamError
from shared.ids import output_item_id
from shared.store.rows import Claim
from shared.wire.items import normalise_input
from shared.wire.makers import signed_event
from shared.wire.response import with_defaults
from workers.assembler import Assembler
from workers.providers import Call, Generation, Provider
from workers.sealed_content import Sealer

ENDPOINT = "compact"
_NOT_THERE = {404, 405, 501}
_ASK = (
    "Summarise the conversation above so that it can be continued from your summary alone. Keep every "
    "fact, decision, name, number, open question and tool result that later turns may need. "
    "Answer with the summary only."
)
_INTRODUCTION = "Summary of the conversation so far:\n"


def is_not_there(error: UpstreamError) -> bool:
    """Whether the upstream said that it has no such endpoint: nothing was generated or billed."""
    return error.refusal is not None and error.refusal.get("upstream_status") in _NOT_THERE


def compact(
    provider: Provider, generation: Generation, call: Call, claim: Claim, sealer: Sealer
) -> dict[str, Any]:
    """The `response.compaction` object."""
    try:
        answer = provider.once(ENDPOINT, generation, call)
    except UpstreamError as error:
        if not is_not_there(error):
            raise
        return _summarised(provider, generation, call, claim, sealer)
    if not isinstance(answer.get("output"), list):
        raise UpstreamError("upstream_invalid_response", "The upstream's compaction has no output.")
    signed = signed_event(answer, generation.maker)
    return _object(claim, signed["output"], answer.get("usage"))


def expanded(items: list[dict[str, Any]], sealer: Sealer, tenant_id: str) -> list[dict[str, Any]]:
    """Compaction items of ours as what they stand for; those of an upstream as they are.

    One that was made within a chain stands for everything before it, and is followed by the input that
    it was made for.
    """
    result: list[dict[str, Any]] = []
    for item in items:
        sealed = item.get("encrypted_content") if item.get("type") == "compaction" else None
        text = sealer.open(sealed, tenant_id) if isinstance(sealed, str) else None
        if text is None:
            result.append(item)
            continue
        content = orjson.loads(text)
        if content["then"] is not None:
            result.clear()
        result += [summary_message(content["summary"]), *(content["then"] or [])]
    return result


def summary_message(summary: str) -> dict[str, Any]:
    return {"type": "message", "role": "developer", "content": _INTRODUCTION + summary}


def sealed_item(
    summary: str, then: list[dict[str, Any]] | None, claim: Claim, sealer: Sealer
) -> dict[str, Any]:
    content = orjson.dumps({"summary": summary, "then": then}).decode()
    return {
        "id": output_item_id(claim.row.id, 0, "compaction"),
        "type": "compaction",
        "encrypted_content": sealer.seal(content, claim.row.tenant_id),
    }


def summarise(
    provider: Provider, generation: Generation, history: list[dict[str, Any]], call: Call, claim: Claim
) -> tuple[str, Any]:
    """The model's own summary of the items, and what that cost. A call of its own, and billed so."""
    asked = Generation(
        # an upstream that knows keys would give the generation that follows the summary's answer
        generation.response_id + ".summary",
        generation.attempt,
        generation.model,
        {"instructions": generation.body.get("instructions")},
        [*history, {"type": "message", "role": "user", "content": _ASK}],
    )
    _next_on(call)
    made = _generated(provider, asked, call, claim)
    _next_on(call)
    return made


def _next_on(call: Call) -> None:
    """One answer follows another: the next has its own first byte to wait for."""
    if not call.renew():
        call.check()


def _summarised(
    provider: Provider, generation: Generation, call: Call, claim: Claim, sealer: Sealer
) -> dict[str, Any]:
    items = generation.items
    history = [{"role": "user", "content": items}] if isinstance(items, str) else items
    text, usage = summarise(provider, generation, history, call, claim)
    sealed = sealed_item(text, None, claim, sealer)
    return _object(claim, [*normalise_input(claim.row.id, _user_messages(history)), sealed], usage)


def _generated(provider: Provider, generation: Generation, call: Call, claim: Claim) -> tuple[str, Any]:
    assembler = Assembler(
        response_id=claim.row.id,
        created_at=claim.row.created_at,
        envelope=claim.envelope,
        next_sequence=0,
        include=frozenset(),
    )
    with closing(provider.stream(generation, call)) as upstream_events:
        for event in upstream_events:
            assembler.feed(event)
            if assembler.outcome is not None:
                break
    outcome = assembler.outcome
    if outcome is None or outcome.status != "completed":
        raise UpstreamError("upstream_incomplete", "The upstream did not finish the summary.")
    parts = [p for item in outcome.items if item["type"] == "message" for p in item["content"]]
    return "".join(p.get("text", "") for p in parts), outcome.usage


def _user_messages(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item.get("role") == "user" and item.get("type", "message") == "message"]


def _object(claim: Claim, output: list[Any], usage: Any) -> dict[str, Any]:
    return {
        "id": claim.row.id,
        "object": "response.compaction",
        "created_at": int(claim.row.created_at),
        "output": output,
        "usage": with_defaults(usage) or with_defaults({}),
    }
