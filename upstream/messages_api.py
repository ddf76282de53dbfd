"""The Messages dialect over the same model: streamed and plain, and its count of tokens."""

from __future__ import annotations

from typing import Any

import orjson

from upstream.delivery import answer, deliver, paced
from upstream.frames import WORD, frames
from upstream.generation import Post, body_of
from upstream.http_server import Request
from upstream.messages_checks import VERSIONS, check
from upstream.messages_events import FAILURES, STOPPED, message, steps
from upstream.messages_request import ask_of, input_words
from upstream.model import Ids, plan
from upstream.refusals import Refusal


class MessagesApi:
    async def generate(self, post: Post) -> None:
        body, directives, call = post.body, post.directives, post.call
        version = _version_of(post.request)
        ids = Ids("foreign_ids" in directives.quirks)
        planned = plan(ask_of(body, post.request, version), directives, ids)
        omitted = (body.get("thinking") or {}).get("display") == "omitted"
        base = {"id": ids.response("msg_"), "type": "message", "role": "assistant", "model": directives.base}
        call.note(response_id=base["id"])
        told = steps(base, planned, directives, omitted=omitted)
        batches = paced(frames(told, directives, named=True), directives)
        if body.get("stream") and "json_answer" not in directives.quirks:
            done = await deliver(post.connection, batches, directives, call)
        else:
            async for batch in batches:
                call.words += sum(frame.kind == WORD for frame in batch)
            if planned.ending in FAILURES:
                raise Refusal(500, FAILURES[planned.ending]["message"])
            whole = orjson.dumps(message(base, planned, directives, omitted=omitted))
            done = await answer(post.connection, whole, directives)
        call.end("completed" if done and planned.ending in STOPPED else "failed")


def count_tokens(request: Request) -> dict[str, Any]:
    version = _version_of(request)
    body = body_of(request)
    check(body, version, counting=True)
    return {"input_tokens": input_words(body)}


def _version_of(request: Request) -> str:
    version = request.headers.get("anthropic-version", "")
    if version not in VERSIONS:
        raise Refusal(400, f"anthropic-version: '{version}' is not a version of this API")
    return version
