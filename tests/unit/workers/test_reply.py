"""An upstream's answer off the wire: whatever the cuts, the same; what is no HTTP or cut short is said."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from urllib3.exceptions import ProtocolError

from workers.providers.reply import MAX_HEAD_BYTES, Reply

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;name=value\r\n there\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello there"
UNTIL_CLOSED = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello there"
BARE_LINES = b"HTTP/1.1 200 OK\nContent-Length: 11\n\nhello there"
PADDED = CHUNKED.replace(b"5\r\n", b"5  \r\n").replace(b"\r\n\r\n5", b"\r\nX-Odd: a\x01b\r\n\r\n5")
TWO_LENGTHS = CHUNKED.replace(b"Transfer-", b"Content-Length: 4\r\nTransfer-")
IDENTITY = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello there"
AFTER_WAITING = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + SIZED


class Pool:
    """Where a connection goes when its answer is over."""

    def __init__(self) -> None:
        self.kept = 0
        self.closed = 0

    def _put_conn(self, connection: object) -> None:
        self.kept += 1

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    with ours, theirs:
        yield ours, theirs


def said(ends: tuple[socket.socket, socket.socket], *pieces: bytes, closing: bool = False) -> Reply:
    """The reply whose bytes come in these pieces, each seen by itself."""
    ours, theirs = ends

    def speak() -> None:
        with suppress(OSError):  # the test may be over
            for piece in pieces:
                theirs.sendall(piece)
            if closing:
                theirs.shutdown(socket.SHUT_WR)

    threading.Thread(target=speak, daemon=True).start()
    reply = Reply(ours)
    reply._connection = reply._pool = Pool()
    return reply


def whole(reply: Reply) -> bytes:
    return b"".join(iter(reply.read, b""))


@pytest.mark.parametrize(
    "answer",
    [CHUNKED, SIZED, UNTIL_CLOSED, BARE_LINES, AFTER_WAITING, PADDED, TWO_LENGTHS, IDENTITY],
)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_body_when_cut_anywhere_then_the_same(
    ends: tuple[socket.socket, socket.socket], answer: bytes, size: int
) -> None:
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]

    reply = said(ends, *pieces, closing=True)

    assert (reply.status, whole(reply), reply.is_whole) == (200, b"hello there", True)


def test_headers_when_repeated_then_joined_and_of_the_last_head(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    early = b"HTTP/1.1 103 Early\r\nVia: early\r\n\r\n"
    late = b"HTTP/1.1 429 No\r\nRetry-After: 3\r\nVIA: a\r\nvia: b\r\nContent-Length: 0\r\n\r\n"

    reply = said(ends, early + late)

    assert reply.status == 429
    assert reply.headers == {"retry-after": "3", "via": "a, b", "content-length": "0"}


@pytest.mark.parametrize("answer", [CHUNKED, SIZED])
def test_connection_when_the_answer_is_whole_then_kept(
    ends: tuple[socket.socket, socket.socket], answer: bytes
) -> None:
    reply = said(ends, answer)
    whole(reply)
    pool = reply._pool

    reply.close()
    reply.close()

    assert (pool.kept, pool.closed) == (1, 0)


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        (SIZED.replace(b"200 OK\r\n", b"200 OK\r\nConnection: close\r\n"), b""),
        (SIZED, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
        (SIZED, b"HTTP/1.1 408 Late\r\nConnection: close\r\n\r\n"),
        (SIZED, b"junk"),
        (UNTIL_CLOSED, b""),
        (TWO_LENGTHS, b""),
    ],
)
def test_connection_when_it_ends_or_more_stands_behind_the_answer_then_closed(
    ends: tuple[socket.socket, socket.socket], answer: bytes, rest: bytes
) -> None:
    reply = said(ends, answer + rest, closing=True)

    assert (reply.status, whole(reply)) == (200, b"hello there")
    pool = reply._pool
    reply.close()

    assert pool.closed == 1


def test_connection_when_the_answer_is_not_read_to_its_end_then_closed(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    reply = said(ends, CHUNKED[:-20])
    reply.read()
    pool = reply._pool

    reply.close()

    assert pool.closed == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_head_when_it_is_none_then_refused(
    ends: tuple[socket.socket, socket.socket], answer: bytes
) -> None:
    with pytest.raises(ProtocolError):
        said(ends, answer, closing=True)


def test_head_when_it_has_no_end_then_refused_before_it_fills_the_memory(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    with pytest.raises(ProtocolError, match="no end"):
        said(ends, b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n" * 1000] * (MAX_HEAD_BYTES // 5000))


@pytest.mark.parametrize("answer", [CHUNKED[:-3], CHUNKED[:110], SIZED[:-1]])
def test_body_when_cut_short_then_said(ends: tuple[socket.socket, socket.socket], answer: bytes) -> None:
    reply = said(ends, answer, closing=True)

    with pytest.raises(ProtocolError, match="cut short"):
        whole(reply)

    assert not reply.is_whole


@pytest.mark.parametrize("junk", [b"-5\r\nhello\r\n", b"zz\r\n", b"\r\n"])
def test_body_when_its_chunks_are_none_then_said_at_once(
    ends: tuple[socket.socket, socket.socket], junk: bytes
) -> None:
    reply = said(ends, CHUNKED[: CHUNKED.index(b"6;")] + junk)

    assert reply.read() == b"hello"
    with pytest.raises(ProtocolError, match="not HTTP"):
        reply.read()
