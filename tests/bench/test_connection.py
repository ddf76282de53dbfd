"""The generator's HTTP client understands an answer however it is framed and cut."""

from __future__ import annotations

import asyncio

import pytest

from bench.connection import Connection, Disconnected, request_bytes

PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n"
REQUEST = request_bytes("GET", "/", host="here", headers={})


async def _ask(answer: bytes, *, pieces: int, times: int) -> list[tuple[int, bytes]]:
    """What a connection makes of a server's answers; the server closes after the last one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            await reader.readuntil(b"\r\n\r\n")
            for at in range(0, len(answer), pieces):
                writer.write(answer[at : at + pieces])
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        connection = Connection("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            return [(await connection.ask(REQUEST), bytes(connection.body)) for _ in range(times)]
        finally:
            connection.close()
            await asyncio.sleep(0)  # lets the loop close the socket


@pytest.mark.parametrize("size", [1, 3, 17, 4096])
@pytest.mark.parametrize("answer", [PLAIN, CHUNKED], ids=["plain", "chunked"])
def test_answer_when_cut_anywhere_then_it_is_whole(answer: bytes, size: int) -> None:
    # When it is asked twice on one connection
    answers = asyncio.run(_ask(answer, pieces=size, times=2))

    # Then
    assert answers == [(200, b"hello world")] * 2


def test_answer_when_the_server_closes_within_it_then_it_is_an_error() -> None:
    with pytest.raises(Disconnected):
        asyncio.run(_ask(CHUNKED[:-10], pieces=4096, times=1))
