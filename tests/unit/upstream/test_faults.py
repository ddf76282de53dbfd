"""Every fault does what its name says, and the ledger knows."""

from __future__ import annotations

import json
import socket
import zlib

import pytest
import requests

from tests.unit.upstream.client import Client, events, eventually


def _raw(client: Client, fault: str, stream: bool = True, key: str = "k") -> socket.socket:
    """A connection that has sent a create with the fault."""
    body = json.dumps({"model": f"mock-n6!{fault}", "input": "hi", "stream": stream}).encode()
    head = f"POST /responses HTTP/1.1\r\nHost: u\r\nAuthorization: Bearer t\r\nIdempotency-Key: {key}\r\n"
    sock = socket.create_connection(("127.0.0.1", client.running.port), timeout=10)
    sock.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return sock


def _read_until(sock: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        got = sock.recv(65536)
        assert got, data[-300:]
        data += got
    return data


def _read_to_end(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "rate_limit_exceeded"), (500, None), (503, "server_is_overloaded"), (400, None)],
)
def test_refuse_answers_with_the_official_envelope(client: Client, status: int, code: str | None) -> None:
    answer = client.create(model=f"mock!fault=refuse:{status}:7", stream=True)

    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
    assert answer.json()["error"]["code"] == code


def test_refuse_with_a_date_keeps_its_colons(client: Client) -> None:
    date = "Wed, 21 Oct 2065 07:28:00 GMT"

    answer = client.create(model=f"mock!fault=refuse:429:{date}")

    assert answer.headers["retry-after"] == date


@pytest.mark.parametrize("status", [200, 502])
def test_html_answers_a_page(client: Client, status: int) -> None:
    answer = client.create(model=f"mock!fault=html:{status}", stream=True)

    assert (answer.status_code, answer.text[:6]) == (status, "<html>")


def test_redirect_points_where_it_is_told(client: Client) -> None:
    answer = client.create(model="mock!fault=redirect:http://127.0.0.1:9/x", stream=True)

    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:9/x")


@pytest.mark.parametrize(
    ("fault", "seen", "words"),
    [
        ("fault=stall_before_headers", b"", 0),
        ("fault=stall_after_headers", b"\r\n\r\n", 0),
        ("fault=stall_mid:3", b"small", 3),
        ("fault=comments_only", b": keep-alive", 0),
        ("fault=drip", b"e", 0),
        ("pace=60000", b"content_part.added", 0),
    ],
)
def test_client_that_leaves_a_stall_is_recorded_as_aborted(
    client: Client, fault: str, seen: bytes, words: int
) -> None:
    sock = _raw(client, fault)
    if seen:
        _read_until(sock, seen)
    assert eventually(lambda: [call["outcome"] for call in client.calls("k")] == ["running"])

    sock.close()

    assert eventually(lambda: client.calls("k")[0]["outcome"] == "aborted", seconds=3)
    assert client.calls("k")[0]["words"] == words


def test_reset_breaks_with_rst_after_the_words(client: Client) -> None:
    with _raw(client, "fault=reset:2") as sock:
        data = _read_until(sock, b"carry")
        with pytest.raises(ConnectionResetError):
            _read_to_end(sock)

    assert data.count(b"event: response.output_text.delta") == 2
    assert client.calls("k")[0]["outcome"] == "failed"


def test_cut_ends_cleanly_without_a_terminal_event(client: Client) -> None:
    got = client.streamed("k", model="mock-n6!fault=cut:4")

    assert [e["type"] for e in got].count("response.output_text.delta") == 4
    assert got[-1]["type"] == "response.output_text.delta"
    assert client.calls("k")[0]["outcome"] == "failed"


def test_cut_beyond_the_words_still_has_no_terminal_event(client: Client) -> None:
    got = client.streamed(model="mock-n6!fault=cut:99")

    assert got[-1]["type"] == "response.output_item.done"


def test_truncate_closes_in_the_middle_of_a_chunk(client: Client) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.create(model="mock!fault=truncate:3", stream=True)


@pytest.mark.parametrize("fault", ["short_length", "truncate:0", "cut:0", "reset:0"])
def test_plain_answer_breaks_before_its_end(client: Client, fault: str) -> None:
    with _raw(client, f"fault={fault}", stream=False) as sock:
        head, _, body = _read_until(sock, b"\r\n\r\n").partition(b"\r\n\r\n")
        try:
            body += _read_to_end(sock)
        except ConnectionResetError:
            pass

    assert len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])


def test_failed_ends_with_response_failed(client: Client) -> None:
    final = client.streamed("k", model="mock!fault=failed:3")[-1]

    assert (final["type"], final["response"]["error"]["code"]) == ("response.failed", "server_error")
    assert (client.calls("k")[0]["outcome"], client.calls("k")[0]["words"]) == ("failed", 3)


def test_error_event_ends_with_a_bare_error(client: Client) -> None:
    final = client.streamed(model="mock!fault=error_event:3")[-1]

    assert (final["type"], final["error"]["code"]) == ("error", "server_error")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("garbage", b'data: {"type": oops\n'),
        ("bad_utf8", b"rivers\xff\xfe\xc3"),
        ("nul", b'"rivers\\u0000"'),
        ("surrogate", b'"rivers\\ud800"'),
        ("crlf", b"event: response.created\r\ndata: "),
        ("cr", b"event: response.created\rdata: "),
        ("no_space", b'\ndata:{"type"'),
        ("bom", b"\xef\xbb\xbfevent: response.created"),
    ],
)
def test_bytes_of_the_stream_are_as_odd_as_asked(client: Client, fault: str, expected: bytes) -> None:
    answer = client.create(model=f"mock!fault={fault}", stream=True)

    assert expected in answer.content


def test_big_event_is_one_line_of_that_size(client: Client) -> None:
    answer = client.create(model="mock!fault=big_event:300000", stream=True)

    assert max(len(e.get("delta", "")) for e in events(answer.content)) == 300000


def test_gzip_bomb_unpacks_to_megabytes(client: Client) -> None:
    with _raw(client, "fault=gzip_bomb:40") as sock:
        head, _, body = _read_to_end(sock).partition(b"\r\n\r\n")

    unpacked = zlib.decompressobj(31).decompress(_dechunked(body))
    assert (b"content-encoding: gzip" in head, len(unpacked)) == (True, 40 * 1024 * 1024)
    assert len(body) < 400_000


def _dechunked(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        found, body = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return found


def test_wrong_content_type_is_told(client: Client) -> None:
    answer = client.create(model="mock!fault=wrong_content_type", stream=True)

    assert answer.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    ("fault", "tail"),
    [
        ("dup_terminal", ["response.completed", "response.completed"]),
        ("after_terminal", ["response.completed", "response.output_text.delta"]),
    ],
)
def test_stream_goes_on_after_its_terminal_event(client: Client, fault: str, tail: list[str]) -> None:
    assert [e["type"] for e in client.streamed(model=f"mock!fault={fault}")][-2:] == tail


def test_missing_created_leaves_it_out(client: Client) -> None:
    assert client.streamed(model="mock!fault=missing_created")[0]["type"] == "response.in_progress"


def test_misspelt_fault_is_refused(client: Client) -> None:
    assert client.create(model="mock!fault=nosuch").status_code == 400


def test_script_applies_to_its_key_in_order(client: Client) -> None:
    client.running.script("fault=refuse:500", "fault=refuse:429", key="mine")

    seen = [client.create(key).status_code for key in ("other", "mine", "mine", "mine")]

    assert seen == [200, 500, 429, 200]


def test_script_for_any_applies_to_the_next_call(client: Client) -> None:
    client.running.script("fault=refuse:503")

    seen = [client.create(key).status_code for key in ("a", "b")]

    assert seen == [503, 200]


def test_misspelt_script_is_refused(client: Client) -> None:
    url = f"{client.running.url}/_control/script"

    answer = client.session.post(url, json={"any": True, "script": ["fault=nosuch"]}, timeout=20)

    assert answer.status_code == 400


def test_connection_is_kept_after_a_refusal(client: Client) -> None:
    with _raw(client, "fault=refuse:429") as sock:
        _read_until(sock, b"rate_limit_exceeded")
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: u\r\n\r\n")

        assert b"200 OK" in _read_until(sock, b'"ok"}')
