"""The API without an SDK between: raw streams, raw sockets, and the traces a request leaves.

What the official client hides (framing, headers, bytes that are not HTTP) is looked at here.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import redis
import requests
import sqlalchemy as sa

from shared.log import EventLog
from tests.support.contract import Json, check_error, check_frames
from tests.support.event_order import check_numbers
from tests.support.stack import Stack

SOCKET_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """One raw HTTP answer."""

    status: int
    headers: dict[str, str]  # lower-case names
    body: bytes


def create(stack: Stack, key: str | None = None, **body: Any) -> Json:
    """A create that must succeed; the object."""
    answer = stack.request("POST", "/responses", key, json={"model": "plain", "input": "hello", **body})
    assert answer.status_code == 200, answer.text
    value: Json = answer.json()
    return value


def create_stream(stack: Stack, key: str | None = None, **body: Any) -> requests.Response:
    """A streamed create, not read yet."""
    wanted = {"model": "plain", "input": "hello", "stream": True, **body}
    answer = stack.request("POST", "/responses", key, json=wanted, stream=True)
    assert answer.status_code == 200, answer.text
    return answer


def events_of(answer: requests.Response) -> list[Json]:
    return check_frames(answer.content)


def replay(stack: Stack, response_id: str, after: int | None = None) -> bytes:
    """The stream of a response from `after` on, to its end, as bytes."""
    query = "?stream=true" if after is None else f"?stream=true&starting_after={after}"
    answer = stack.request("GET", f"/responses/{response_id}{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer.content


def follow(stack: Stack, response_id: str, after: int | None = None) -> list[Json]:
    """As `replay`, its framing and numbering checked."""
    events = check_frames(replay(stack, response_id, after))
    if events:
        check_numbers(events, first=0 if after is None else after + 1)
    return events


def error_of(answer: requests.Response) -> Json:
    """The error of an answer that must be one; its envelope and its headers checked."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert len(answer.content) < 4096
    return check_error(answer.status_code, answer.json())


def forget_events(stack: Stack, response_id: str) -> None:
    """Drop the hot log of an ended response, as time would: what is left is the archive."""
    client = redis.Redis.from_url(stack.dev["redis_url"])
    EventLog(client).drop([response_id])
    client.close()


def rows_of(stack: Stack, tenant: str) -> int:
    """How many responses the store has of a tenant, deleted ones too."""
    return int(_scalar(stack, "SELECT count(*) FROM responses WHERE tenant_id = :value", tenant))


def column_of(stack: Stack, response_id: str, column: str) -> Any:
    return _scalar(stack, f"SELECT {column} FROM responses WHERE id = :value", response_id)


def speak(stack: Stack, parts: Iterable[bytes]) -> Answer:
    """Send raw bytes on one connection and read the answer to its end.

    A server that answers before it has read everything may close: what it said still counts.
    """
    address = urlsplit(stack.base_url)
    with socket.create_connection((address.hostname or "", address.port or 0), SOCKET_SECONDS) as sock:
        try:
            for part in parts:
                sock.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return _read_answer(sock)


def head(stack: Stack, method: str, target: str, *headers: str, key: str | None = None) -> bytes:
    """A request's head with the key, its last blank line included."""
    host = urlsplit(stack.base_url).netloc
    lines = (f"{method} {target} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key or stack.api_key}")
    return "\r\n".join((*lines, *headers, "", "")).encode("utf-8", "surrogateescape")


def _read_answer(sock: socket.socket) -> Answer:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        assert piece, f"closed without an answer: {data!r}"
        data += piece
    start, _, body = data.partition(b"\r\n\r\n")
    first, *lines = start.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        piece = sock.recv(65536)
        assert piece, "the answer was cut short"
        body += piece
    return Answer(int(first.split(" ")[1]), headers, body)


def _scalar(stack: Stack, query: str, value: str) -> Any:
    url = sa.make_url(stack.dev["database_url"])
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = connection.execute(sa.text(query), {"value": value}).scalar_one()
    engine.dispose()
    return found
