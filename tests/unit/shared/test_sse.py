"""The event-stream decoder: the same events wherever the bytes are cut, within its limits."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UpstreamError
from shared.sse import MAX_DEPTH, Decoder, SseEvent, decode_json, decode_object, is_done

SAMPLES = {
    "lf": b'event: a\ndata: {"type":"a"}\n\ndata: [DONE]\n\n',
    "crlf": b'event: a\r\ndata: {"type":"a"}\r\n\r\ndata: {"type":"b"}\r\n\r\n',
    "cr": b'event: a\rdata: {"type":"a"}\r\rdata: {"type":"b"}\r\r',
    "mixed": b'data:{"a":\r\ndata: 1}\r\r\n: note\n\ndata: x\n\n',
    "bom": b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n",
    "late_bom": b"data: x\n\n\xef\xbb\xbfdata: y\n\n",
    "unicode_line_ends": 'data: "a\u0085b\u2028c"\n\n'.encode(),
    "fields": b"id: 7\nretry: 5\nfoo\ndata: x\nevent: late\n\nevent: lonely\n\ndata\n\n",
}
EXPECTED = {
    "lf": [SseEvent("a", b'{"type":"a"}'), SseEvent(None, b"[DONE]")],
    "crlf": [SseEvent("a", b'{"type":"a"}'), SseEvent(None, b'{"type":"b"}')],
    "cr": [SseEvent("a", b'{"type":"a"}'), SseEvent(None, b'{"type":"b"}')],
    "mixed": [SseEvent(None, b'{"a":\n1}'), SseEvent(None, b"x")],
    "bom": [SseEvent(None, b"x")],
    "late_bom": [SseEvent(None, b"x")],
    "unicode_line_ends": [SseEvent(None, '"a\u0085b\u2028c"'.encode())],
    "fields": [SseEvent("late", b"x")],
}


def decode(*chunks: bytes) -> list[SseEvent]:
    decoder = Decoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


@pytest.mark.parametrize("name", SAMPLES)
def test_stream_when_whole_then_its_events(name: str) -> None:
    assert decode(SAMPLES[name]) == EXPECTED[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_stream_when_cut_at_any_two_points_then_the_same_events(name: str) -> None:
    stream = SAMPLES[name]

    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            assert decode(stream[:first], stream[first:second], stream[second:]) == EXPECTED[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_stream_when_fed_byte_by_byte_then_the_same_events(name: str) -> None:
    assert decode(*(bytes([byte]) for byte in SAMPLES[name])) == EXPECTED[name]


@given(
    lines=st.lists(
        st.sampled_from([b"data: x", b"data:", b": c", b"event: e", b"", b"", b"data: \xc2\x85", b"junk"])
    ),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=1),
    cuts=st.lists(st.integers(0, 200)),
)
def test_any_stream_when_cut_anywhere_then_the_same_events(
    lines: list[bytes], ends: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(line + ends[i % len(ends)] for i, line in enumerate(lines))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    chunks = [stream[start:end] for start, end in pairwise(edges)]

    assert decode(*chunks) == decode(stream)


def read(chunks: list[bytes], max_event_bytes: int) -> list[SseEvent] | None:
    """None: refused."""
    decoder = Decoder(max_event_bytes=max_event_bytes)
    try:
        return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()
    except UpstreamError:
        return None


PIECES = [
    b'event: delta\ndata: {"a":1}\n\n',
    b"event: \xff\ndata: x\n\n",
    b'data: {"a":1}\n\n',
    b"data: \xc2\x85\n\n",
    b"event: late\n",
    b"event: \n",
    b"event:  spaced\ndata:  x\n",
    b"data:x\n",
    b"data: ",
    b"data\n",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b": c\n",
    b"id: 1\n",
]


@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=12),
    cuts=st.lists(st.integers(0, 200), max_size=4),
    limit=st.sampled_from([5, 12, 14, 15, 26, 10_000]),
)
def test_plain_blocks_when_among_any_others_then_read_as_byte_by_byte(
    pieces: list[bytes], cuts: list[int], limit: int
) -> None:
    stream = b"".join(pieces)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    chunks = [stream[start:end] for start, end in pairwise(edges)]

    assert read(chunks, limit) == read([bytes([byte]) for byte in stream], limit)


def test_comment_when_read_then_counted_and_no_event() -> None:
    decoder = Decoder()

    events = decoder.feed(b": keep-alive\n\n:\r\n\r\n")

    assert (events, decoder.comments) == ([], 2)


@pytest.mark.parametrize("tail", [b'data: {"a":1}', b'data: {"a":1}\n', b"data: [DONE]"])
def test_last_block_when_whole_but_without_blank_line_then_delivered(tail: bytes) -> None:
    assert len(decode(b"data: x\n\n", tail)) == 2


@pytest.mark.parametrize("tail", [b'data: {"a":', b"data: 12", b"data: [1]", b"dat", b"event: e\n"])
def test_last_block_when_cut_short_then_not_delivered(tail: bytes) -> None:
    assert decode(b"data: x\n\n", tail) == [SseEvent(None, b"x")]


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 100, b"data: 12345678\n" * 6, b"y" * 100])
def test_event_when_longer_than_its_limit_then_refused(stream: bytes) -> None:
    decoder = Decoder(max_event_bytes=50)

    with pytest.raises(UpstreamError, match="upstream_invalid_response"):
        decoder.feed(stream)


def test_stream_when_longer_than_its_limit_then_refused() -> None:
    decoder = Decoder(max_total_bytes=50)
    decoder.feed(b"data: x\n\n" * 5)

    with pytest.raises(UpstreamError, match="upstream_invalid_response"):
        decoder.feed(b"data: x\n\n")


def test_events_when_each_within_the_limit_then_all_delivered() -> None:
    decoder = Decoder(max_event_bytes=50)

    assert len(decoder.feed(b"data: 0123456789\n\n" * 1000)) == 1000


def test_endless_line_when_fed_in_small_chunks_then_held_once() -> None:
    decoder = Decoder(max_event_bytes=32 * 2**20)
    chunk = b"x" * 16384

    decoder.feed(b"data: ")
    for _ in range(1900):
        decoder.feed(chunk)

    assert len(decoder.feed(b"\n\n")[0].data) == 1900 * 16384


# decode_json


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "x", "n": 1.5},
        {"object": "response", "status": "completed"},
        {"output": [], "status": "completed"},
        {"error": {"message": "no"}},
    ],
)
def test_payload_when_an_event_or_bare_object_then_given_as_it_is(payload: dict[str, object]) -> None:
    assert decode_json(json.dumps(payload).encode()) == payload


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b'{"type":1}',
        b"<html>",
        b'{"type":"x","n":NaN}',
        b'{"type":"x","n":1e999}',
        b'{"type":"x","n":' + b"9" * 5001 + b"}",
        b'{"type":"x","a":' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"type":"x","a":' + b"[" * 100_000,
        b'{"type":"x\\ud800","n":' + b"9" * 30 + b"}",
    ],
)
def test_payload_when_no_event_then_refused(data: bytes) -> None:
    with pytest.raises(UpstreamError, match="upstream_invalid_response"):
        decode_json(data)


@pytest.mark.parametrize("form", [b'{"":%b}', b'{"long name":%b}'])
def test_nesting_when_at_its_limit_then_read_and_refused_beyond(form: bytes) -> None:
    deepest, too_deep = (form % (b"[" * depth + b"]" * depth) for depth in (MAX_DEPTH, MAX_DEPTH + 1))

    assert decode_object(deepest) == json.loads(deepest)
    with pytest.raises(UpstreamError, match="deeper"):
        decode_object(too_deep)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"type":"x","d":"a\\u0000b"}', "a\ufffdb"),
        (b'{"type":"x","d":"a\x00b"}', "a\ufffdb"),
        (b'{"type":"x","d":"a\\ud800b"}', "a\ufffdb"),
        (b'{"type":"x","d":"a\\udc00b"}', "a\ufffdb"),
        (b'{"type":"x","d":"a\xffb"}', "a\ufffdb"),
        (b'\xef\xbb\xbf{"type":"x","d":"ab"}', "ab"),
        (b'{"type":"x","d":"\\ud83d\\ude00 \\ud800"}', "\N{GRINNING FACE} \ufffd"),
        (b'{"type":"x","d":"\\\\u0000"}', "\\u0000"),
    ],
)
def test_string_when_it_cannot_be_stored_then_replaced(data: bytes, text: str) -> None:
    assert decode_json(data)["d"] == text


def test_key_when_it_cannot_be_stored_then_replaced() -> None:
    assert decode_json(b'{"type":"x","a":[{"k\\u0000":1,"\\udfff":2}]}')["a"] == [{"k\ufffd": 1, "\ufffd": 2}]


@given(st.binary(max_size=60))
def test_any_bytes_when_decoded_then_an_object_or_an_upstream_error(data: bytes) -> None:
    try:
        payload = decode_json(b'{"type":"x","d":"' + data + b'"}')
    except UpstreamError:
        return
    assert not any("\x00" in value for value in payload.values() if isinstance(value, str))


@pytest.mark.parametrize(
    ("data", "expected"), [(b"[DONE]", True), (b" [DONE] ", True), (b"[done]", False), (b"{}", False)]
)
def test_sentinel_when_asked_then_recognised(data: bytes, expected: bool) -> None:
    assert is_done(data) is expected
