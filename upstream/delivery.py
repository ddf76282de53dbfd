"""Sending: paced frames to a connection, and every way to break off on the way.

A call's words are counted as they are sent. A client that goes away cancels the sending task, so
what follows an `await` here may never run; whoever owns the call ends it.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Protocol

from upstream.directives import Directives
from upstream.frames import DONE, TERMINAL, WORD, Frame, poisoned
from upstream.http_server import Connection
from upstream.refusals import ordered

SSE = "text/event-stream; charset=utf-8"
_COMMENT_SECONDS = 0.2
_DRIP_MS = 1000
_BOMB_MEGABYTES = 1024
_BATCH = 256  # frames
_BATCH_BYTES = 64 * 1024
_HTML = b"<html><head><title>%d</title></head><body><h1>proxy-7.internal.example</h1></body></html>"


class Tally(Protocol):
    words: int


async def paced(source: Iterable[Frame], directives: Directives) -> AsyncIterator[list[Frame]]:
    """The frames in batches, a pause before each word; late words catch up with the schedule."""
    loop = asyncio.get_running_loop()
    batch: list[Frame] = []
    due = loop.time()
    for frame in source:
        if frame.kind == WORD and directives.interval:
            if batch:
                yield batch
                batch = []
            due += directives.interval
            await asyncio.sleep(max(0.0, due - loop.time()))
        batch.append(frame)
        if len(batch) >= _BATCH or len(frame.data) > _BATCH_BYTES:
            yield batch
            batch = []
            await asyncio.sleep(0)
    if batch:
        yield batch


async def broken_at_once(connection: Connection, directives: Directives) -> bool:
    """Raises a refusal or answers with the fault that needs no generation; False: there is none."""
    faults = directives.faults
    if "refuse" in faults:
        told, _, retry_after = faults["refuse"].partition(":")
        raise ordered(int(told), retry_after)
    if "html" in faults:
        status = directives.number("html", 502)
        connection.reply(status, _HTML % status, "text/html; charset=utf-8")
    elif "redirect" in faults:
        connection.reply(307, b"", headers={"location": faults["redirect"]})
    elif "stall_before_headers" in faults:
        await connection.hold()
    else:
        return False
    return True


async def deliver(
    connection: Connection, batches: AsyncIterator[list[Frame]], directives: Directives, tally: Tally
) -> bool:
    """True: everything was sent. False: a fault broke off, and the connection is gone."""
    faults = directives.faults
    packed = {"content-encoding": "gzip"} if "gzip_bomb" in faults else {}
    connection.begin(_content_type(directives, SSE), packed)
    if await _endless(connection, directives):
        return False
    if "drip" in faults:
        await _drip(connection, batches, directives)
    elif directives.quirks & {"one_chunk", "byte_chunks"}:
        await _repacked(connection, batches, directives, tally)
    elif directives.breaks:
        return await _until_broken(connection, batches, directives, tally)
    else:
        async for batch in batches:
            tally.words += sum(frame.kind == WORD for frame in batch)
            await connection.chunks([frame.data for frame in batch])
    connection.finish()
    return True


async def answer(connection: Connection, body: bytes, directives: Directives) -> bool:
    """The plain JSON answer, with the faults that make sense for one; as `deliver`."""
    faults, body = directives.faults, poisoned(body, directives)
    kind = _content_type(directives, "application/json")
    half = body[: len(body) // 2]
    if faults.keys() & {"stall_after_headers", "stall_mid"}:
        connection.reply(200, half, kind, length=len(body))
        await connection.hold()
    if faults.keys() & {"short_length", "truncate", "cut"}:
        connection.reply(200, half, kind, length=len(body))
        connection.close()
    elif "reset" in faults:
        connection.reply(200, half, kind, length=len(body))
        await connection.reset()
    elif "gzip_bomb" in faults:
        connection.begin(kind, {"content-encoding": "gzip"})
        await _bomb(connection, directives)
    elif faults.keys() & {"drip", "comments_only"}:
        connection.reply(200, b"", kind, length=len(body))
        await _drip_bytes(connection, iter(half), directives, chunked=False)
    else:
        connection.reply(200, half if "garbage" in faults else body, kind)
        return True
    return False


def _content_type(directives: Directives, right: str) -> str:
    if "wrong_content_type" not in directives.faults:
        return right
    return directives.faults["wrong_content_type"] or "text/plain"


async def _endless(connection: Connection, directives: Directives) -> bool:
    faults = directives.faults
    if "stall_after_headers" in faults:
        await connection.hold()
    if "comments_only" in faults:
        pause = directives.number("comments_only", int(_COMMENT_SECONDS * 1000)) / 1000
        while True:
            await connection.chunks([b": keep-alive\n\n"])
            await asyncio.sleep(pause)
    if "gzip_bomb" in faults:
        await _bomb(connection, directives)
        return True
    return False


async def _bomb(connection: Connection, directives: Directives) -> None:
    """Megabytes of comment packed into about a kilobyte each; the same packed block repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = (b": " + b"0" * 1021 + b"\n") * 1024
    first = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    await connection.chunks([first])
    for _ in range(directives.number("gzip_bomb", _BOMB_MEGABYTES) - 1):
        await connection.chunks([again])
    connection.close()


async def _drip(connection: Connection, batches: AsyncIterator[list[Frame]], directives: Directives) -> None:
    """Byte by byte, and after the last word for ever: no terminal event comes."""
    async for batch in batches:
        kept = b"".join(frame.data for frame in batch if frame.kind not in (TERMINAL, DONE))
        await _drip_bytes(connection, iter(kept), directives, chunked=True, ends=True)
    await _drip_bytes(connection, iter(b":"), directives, chunked=True)


async def _drip_bytes(
    connection: Connection, data: Iterator[int], directives: Directives, *, chunked: bool, ends: bool = False
) -> None:
    pause = directives.number("drip", _DRIP_MS) / 1000 if "drip" in directives.faults else 1.0
    for byte in data:
        if chunked:
            await connection.chunks([bytes((byte,))])
        else:
            connection.write_raw(bytes((byte,)))
        await asyncio.sleep(pause)
    while not ends:
        await connection.chunks([b"."]) if chunked else None
        await asyncio.sleep(pause)


async def _repacked(
    connection: Connection, batches: AsyncIterator[list[Frame]], directives: Directives, tally: Tally
) -> None:
    whole = []
    async for batch in batches:
        data = b"".join(frame.data for frame in batch)
        if "byte_chunks" in directives.quirks:
            tally.words += sum(frame.kind == WORD for frame in batch)
            await connection.chunks([data[at : at + 1] for at in range(len(data))])
        else:
            whole += batch
    tally.words += sum(frame.kind == WORD for frame in whole)
    await connection.chunks([b"".join(frame.data for frame in whole)])


async def _until_broken(
    connection: Connection, batches: AsyncIterator[list[Frame]], directives: Directives, tally: Tally
) -> bool:
    fault = directives.breaks or ""
    limit, sent = directives.number(fault, 0), 0
    async for batch in batches:
        kept = []
        for frame in batch:
            if frame.kind == TERMINAL or (frame.kind == WORD and sent >= limit):
                break
            kept.append(frame)
            sent += frame.kind == WORD
        tally.words += sum(frame.kind == WORD for frame in kept)
        await connection.chunks(frame.data for frame in kept)
        if len(kept) < len(batch):
            return await _break(connection, fault, batch[len(kept)])
    return await _break(connection, fault, None)


async def _break(connection: Connection, fault: str, frame: Frame | None) -> bool:
    if fault == "stall_mid":
        await connection.hold()
    if fault == "cut":
        connection.finish()
        return False
    if fault == "truncate":
        data = frame.data if frame is not None else b": nothing is left to say"
        connection.write_raw(b"%x\r\n" % len(data) + data[: len(data) // 2])
        connection.close()
        return False
    await connection.reset()
    return False
