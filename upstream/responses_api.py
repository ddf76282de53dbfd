"""The Responses API: create (plain, streamed, in the background), retrieve, resume, cancel, delete."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson

from upstream.delivery import answer, broken_at_once, deliver, paced
from upstream.directives import Directives, override
from upstream.frames import TERMINAL, WORD, Frame, bent_response, frames
from upstream.generation import Post, Scripts
from upstream.http_server import Connection, Request
from upstream.ledger import Ledger
from upstream.model import Ids, Plan, plan
from upstream.refusals import Refusal, response_missing
from upstream.response_events import closed_response, opening_response, steps
from upstream.responses_request import ask_of, context_of
from upstream.shelf import Record, Shelf


class ResponsesApi:
    def __init__(self, ledger: Ledger, scripts: Scripts) -> None:
        self._ledger = ledger
        self._scripts = scripts
        self._shelf = Shelf()

    async def generate(self, post: Post) -> None:
        body, directives, call = post.body, post.directives, post.call
        items = context_of(body, self._shelf)
        _check_modes(body)
        ids = Ids("foreign_ids" in directives.quirks)
        planned = plan(ask_of(body, items, post.request), directives, ids)
        opening = opening_response(ids.response("resp_"), int(time.time()), directives.base, body)
        record = Record(opening, items, call)
        call.note(response_id=opening["id"])
        if body.get("store") is not False:
            self._shelf.put(record)
        if body.get("background"):
            await self._in_background(post, record, planned)
        else:
            await self._in_foreground(post, record, planned)

    async def retrieve(self, connection: Connection, request: Request, response_id: str) -> None:
        record = self._visible(response_id)
        if request.query.get("stream") == "true":
            await self._resume(connection, request, record)
        else:
            _reply(connection, record.response)

    async def cancel(self, connection: Connection, response_id: str) -> None:
        record = self._visible(response_id)
        if not record.background:
            raise Refusal(400, "Cannot cancel a synchronous response.")
        status = record.response["status"]
        if record.ended and status != "cancelled":
            raise Refusal(400, f"Cannot cancel a {status} response.")
        if not record.ended:
            _cancel(record)
        _reply(connection, record.response)

    async def delete(self, connection: Connection, response_id: str) -> None:
        record = self._visible(response_id)
        if not record.ended:
            raise Refusal(400, "Cannot delete an in-flight response.")
        self._shelf.drop(response_id)
        _reply(connection, {"id": response_id, "object": "response", "deleted": True})

    def _visible(self, response_id: str) -> Record:
        record = self._shelf.get(response_id)
        if record is None or not record.visible:
            raise response_missing(response_id)
        return record

    async def _in_foreground(self, post: Post, record: Record, planned: Plan) -> None:
        connection, directives, done = post.connection, post.directives, False
        try:
            batches = paced(_frames(record, planned, directives), directives)
            if post.body.get("stream") and "json_answer" not in directives.quirks:
                done = await deliver(connection, batches, directives, record.call)
            else:
                async for batch in batches:
                    record.call.words += sum(frame.kind == WORD for frame in batch)
                shown = bent_response(record.response, directives)
                done = await answer(connection, orjson.dumps(shown), directives)
        finally:
            if not done:
                self._shelf.drop(record.response["id"])
        record.call.end("completed" if done and record.response["status"] in _WELL_ENDED else "failed")

    async def _in_background(self, post: Post, record: Record, planned: Plan) -> None:
        connection, directives = post.connection, post.directives
        record.streamed = bool(post.body.get("stream"))
        record.call.detached = True
        batches = paced(_frames(record, planned, directives), directives)
        record.task = asyncio.get_running_loop().create_task(_pump(record, batches))
        if not record.streamed:
            _reply(connection, bent_response(record.response, directives))
            return
        try:
            await deliver(connection, record.follow(-1), directives, _Uncounted())
        except asyncio.CancelledError:
            record.call.note(client_gone=True)
            raise

    async def _resume(self, connection: Connection, request: Request, record: Record) -> None:
        if not record.background:
            message = "This response cannot be streamed because it was not created with background=true."
            raise Refusal(400, message, param="stream")
        if not record.streamed:
            message = "This response cannot be streamed because it was not created with stream=true."
            raise Refusal(400, message, param="stream")
        after = _starting_after(request)
        suffix = self._scripts.take("resume", record.call.key)
        facts = {"response_id": record.response["id"], "starting_after": after}
        call = self._ledger.resume(record.call.key, **facts)
        try:
            directives = override(Directives(record.response["model"]), suffix)
            done = not await broken_at_once(connection, directives) and await deliver(
                connection, record.follow(after), directives, call
            )
        except asyncio.CancelledError:
            call.end("aborted")
            raise
        except Refusal:
            call.end("failed")
            raise
        call.end("completed" if done else "failed")


class _Uncounted:
    """A tally for a connection whose generation counts its own words."""

    words = 0


_WELL_ENDED = ("completed", "incomplete")


def _frames(record: Record, planned: Plan, directives: Directives) -> Any:
    opening = record.response

    def close() -> dict[str, Any]:
        return record.finish(closed_response(opening, planned, int(time.time())))

    return frames(steps(opening, planned, close), directives, named=True, numbered=True)


async def _pump(record: Record, batches: AsyncIterator[list[Frame]]) -> None:
    """A background generation runs on whoever listens."""
    async for batch in batches:
        if record.response["status"] == "queued":
            record.response = {**record.response, "status": "in_progress"}
        record.append(batch)
    record.close()
    record.call.end("completed" if record.response["status"] in _WELL_ENDED else "failed")


def _cancel(record: Record) -> None:
    if record.task is not None:
        record.task.cancel()
    response = record.finish({**record.response, "status": "cancelled"})
    event = {"type": "response.failed", "sequence_number": record.next_sequence, "response": response}
    data = b"event: response.failed\ndata: %b\n\n" % orjson.dumps(event)
    record.append([Frame(TERMINAL, record.next_sequence, data)])
    record.close()
    record.call.end("aborted")


def _check_modes(body: dict[str, Any]) -> None:
    if body.get("background") and body.get("store") is False:
        message = "Background responses must be stored."
        raise Refusal(400, message, code="unsupported_parameter", param="background")


def _starting_after(request: Request) -> int:
    raw = request.query.get("starting_after")
    if raw is None:
        return -1
    if not raw.isdecimal():
        raise Refusal(400, "Invalid type for 'starting_after'.", code="invalid_type", param="starting_after")
    return int(raw)


def _reply(connection: Connection, value: dict[str, Any]) -> None:
    connection.reply(200, orjson.dumps(value))
