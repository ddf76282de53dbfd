"""Rows in every state, made the way the product makes them."""

from __future__ import annotations

from typing import Any

from shared.ids import new_response_id
from shared.lifecycle import Status
from shared.sealing import opening_frames
from shared.store import Store
from shared.store.rows import Claim, Ended, Ending, NewResponse, ResponseRow
from shared.wire import events
from shared.wire.items import normalise_input
from shared.wire.request import parse_create
from shared.wire.response import envelope, error_object, snapshot

TENANT = "tenant-a"
OWNER = "host:1:aa"


def message(text: str, identity: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": identity,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def new_response(text: str | list[dict[str, Any]] = "hi", **changes: Any) -> NewResponse:
    identity = changes.pop("id", None) or new_response_id()
    body = {"model": "m", "input": text}
    request = parse_create(body)
    values: dict[str, Any] = {
        "tenant_id": TENANT,
        "key_id": "key_1",
        "request_id": "req_1",
        "priority": 0,
        "background": False,
        "stream": False,
        "store": True,
        "provider": "main",
        "model": "m",
        "previous_response_id": None,
        "queue_seconds": 300.0,
        "request": body,
        "envelope": envelope(request, model="m", provider="main"),
        "input_items": normalise_input(identity, text),
    }
    return NewResponse(id=identity, **{**values, **changes})


def accepted(store: Store, /, text: str | list[dict[str, Any]] = "hi", **changes: Any) -> ResponseRow:
    return store.responses.insert(new_response(text, **changes))


def claimed(store: Store, /, text: str = "hi", **changes: Any) -> Claim:
    """A row of its own in a worker's hands; nothing else may be waiting."""
    row = accepted(store, text, **changes)
    claim = store.leases.claim_next(OWNER, background=True)
    assert claim is not None and claim.row.id == row.id
    return claim


def gated(store: Store, /, **changes: Any) -> Claim:
    claim = claimed(store, **changes)
    assert store.leases.gate(claim.row.id, claim.row.attempt)
    return claim


def ending(claim: Claim, *texts: str, status: str = Status.COMPLETED, **changes: Any) -> Ending:
    row = claim.row
    output = [message(text, f"msg_{row.id}_{n}") for n, text in enumerate(texts)]
    said: dict[str, Any] = {"output": output}
    if status == Status.FAILED:
        said["error"] = error_object("server_error", "it failed")
    response = snapshot(claim.envelope, response_id=row.id, created_at=row.created_at, status=status, **said)
    return Ending(status=status, response=response, output_items=output, **changes)


def finished(
    store: Store, /, text: str = "hi", answer: str = "ho", *, status: str = Status.COMPLETED, **changes: Any
) -> Ended:
    """A response that went the usual way to its end."""
    claim = claimed(store, text, **changes)
    assert store.leases.gate(claim.row.id, claim.row.attempt)
    said = ending(claim, answer, status=status)
    frames = opening_frames(claim.row, claim.envelope)
    ended = store.endings.finish(claim.row.id, claim.row.attempt, said, frames)
    assert ended is not None
    return ended


def deltas(first: int, count: int) -> list[bytes]:
    """Frames of a running generation, numbered from `first`."""
    return [
        events.encode({"type": "response.output_text.delta", "sequence_number": n, "delta": f"d{n} "})
        for n in range(first, first + count)
    ]
