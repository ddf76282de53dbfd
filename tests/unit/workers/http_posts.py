"""One POST to an upstream, read to its end as an account reads a plain answer."""

from __future__ import annotations

from shared.catalog import Deadlines
from workers.providers import Call, HttpClient
from workers.providers.account import whole
from workers.providers.http import release

LONG = Deadlines(connect=5, first_byte=20, progress=20, total=60)


def post(client: HttpClient, url: str, call: Call | None = None) -> bytes:
    call = call or Call(LONG, total_seconds=60)
    reply = client.post(url, b"{}", {}, call)
    try:
        return whole(reply, call)
    finally:
        release(reply, call)
