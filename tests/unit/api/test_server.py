"""What our server writes to a client."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from api.server import Response


class _Narrow:
    """A socket whose kernel takes a few bytes at a time, as for a slow reader."""

    def __init__(self) -> None:
        self.taken = b""

    def send(self, data: bytes) -> int:
        self.taken += data[:3]
        return min(3, len(data))

    def sendall(self, data: memoryview) -> None:
        self.taken += bytes(data)


@pytest.mark.parametrize(("chunked", "written"), [(True, b"B\r\nhello there\r\n"), (False, b"hello there")])
def test_body_when_the_kernel_takes_only_a_part_then_the_rest_follows(chunked: bool, written: bytes) -> None:
    sock = _Narrow()
    response = Response(SimpleNamespace(), sock, SimpleNamespace())
    response.headers_sent, response.chunked = True, chunked

    response.write(b"hello there")

    assert sock.taken == written


class _Counting:
    """A socket that remembers each call to the kernel."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def send(self, data: bytes) -> int:
        self.calls.append(bytes(data))
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.calls.append(bytes(data))


def _answer(sock: _Counting, *body: bytes, method: str = "POST", length: bool = True) -> None:
    request = SimpleNamespace(version=(1, 1), method=method, should_close=lambda: False)
    response = Response(request, sock, SimpleNamespace())
    headers = [("Content-Length", str(sum(map(len, body))))] if length else []
    response.start_response("200 OK", headers)
    for piece in body:
        response.write(piece)
    response.close()


def test_answer_when_it_has_a_body_then_one_call_with_its_head() -> None:
    sock = _Counting()

    _answer(sock, b"hello there")

    (whole,) = sock.calls
    head, _, body = whole.partition(b"\r\n\r\n")
    assert (head.splitlines()[0], body) == (b"HTTP/1.1 200 OK", b"hello there")
    assert b"Content-Length: 11" in head.splitlines()


@pytest.mark.parametrize(("body", "method"), [((), "POST"), ((b"",), "POST"), ((b"hello",), "HEAD")])
def test_answer_when_it_has_no_body_then_its_head_all_the_same(body: tuple[bytes, ...], method: str) -> None:
    sock = _Counting()

    _answer(sock, *body, method=method)

    (head,) = sock.calls
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and head.endswith(b"\r\n\r\n")


def test_answer_when_it_is_a_stream_then_the_first_piece_takes_the_head_along() -> None:
    sock = _Counting()

    _answer(sock, b"one", b"three", length=False)

    assert [call.rpartition(b"\r\n\r\n")[2] if n == 0 else call for n, call in enumerate(sock.calls)] == [
        b"3\r\none\r\n",
        b"5\r\nthree\r\n",
        b"0\r\n\r\n",
    ]
