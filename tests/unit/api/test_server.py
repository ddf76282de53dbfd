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
