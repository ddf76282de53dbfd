"""The Chat Completions dialect over the same model: streamed and plain."""

from __future__ import annotations

import time

import orjson

from upstream.chat_chunks import FAILURE, STOPPED, completion, steps
from upstream.chat_request import ask_of
from upstream.delivery import answer, deliver, paced
from upstream.frames import WORD, frames
from upstream.generation import Post
from upstream.model import Ids, plan
from upstream.refusals import Refusal


class ChatCompletions:
    async def generate(self, post: Post) -> None:
        body, directives, call = post.body, post.directives, post.call
        ids = Ids("foreign_ids" in directives.quirks)
        planned = plan(ask_of(body, post.request), directives, ids)
        base = {
            "id": ids.response("chatcmpl-"),
            "object": "chat.completion",
            "created": int(time.time()),
            "model": directives.base,
        }
        call.note(response_id=base["id"])
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        chunk = {**base, "object": "chat.completion.chunk"}
        told = steps(chunk, planned, directives, with_usage=with_usage)
        batches = paced(frames(told, directives, named=False), directives)
        if body.get("stream") and "json_answer" not in directives.quirks:
            done = await deliver(post.connection, batches, directives, call)
        else:
            async for batch in batches:
                call.words += sum(frame.kind == WORD for frame in batch)
            if planned.ending not in STOPPED:
                raise Refusal(500, FAILURE["message"], type="server_error")
            done = await answer(
                post.connection, orjson.dumps(completion(base, planned, directives)), directives
            )
        call.end("completed" if done and planned.ending in STOPPED else "failed")
