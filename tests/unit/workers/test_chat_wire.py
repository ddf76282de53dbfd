"""The dialect over real connections: the scripted upstream, and bytes as real servers write them."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import HTTPServer
from typing import Any

import orjson
import pytest

from shared.catalog import Deadlines, Provider
from shared.errors import UpstreamError
from tests.support.http_server import Handler, serving
from tests.unit.workers.assembler_events import assembler, outcome, output, run
from upstream.launch import Running
from workers.providers import Call, Generation, HttpClient
from workers.providers.chat_completions import ChatCompletions

LIMITS = Deadlines(connect=5, first_byte=20, progress=20, total=60)
TOOL = {
    "type": "function",
    "name": "look",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
}


class Server(HTTPServer):
    """Answers every request with the same bytes; keeps what it was asked."""

    body = b""
    kind = "text/event-stream"
    missing = 0  # bytes that were announced and never come

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []


class _Handler(Handler):
    protocol_version = "HTTP/1.0"  # the connection ends with the answer, whole or not
    server: Server

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.asked.append(orjson.loads(self.body()))
        self.answer(self.server.body, self.server.kind, missing=self.server.missing)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as made:
        yield made


def generate(client: HttpClient, base_url: str, model: str = "m", /, **body: Any) -> list[dict[str, Any]]:
    account = {key: body.pop(key) for key in ("streaming", "lacks") if key in body}
    items = body.pop("items", "hi")
    provider = Provider(dialect="chat_completions", base_url=base_url, api_key="upstream-key", **account)
    call = Call(LIMITS, total_seconds=60)
    return list(ChatCompletions(provider, client).stream(Generation("resp_1", 1, model, body, items), call))


def answered(client: HttpClient, server: Server, body: bytes, **more: Any) -> tuple[str, str]:
    """The status, and the text of the first item."""
    server.body = body
    target = assembler()
    run(target, *generate(client, f"http://127.0.0.1:{server.server_port}/v1", **more))
    return outcome(target).status, output(target)[0]["content"][0]["text"]


HEY = b'data: {"choices":[{"index":0,"delta":{"content":"hey"},"finish_reason":null}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "body",
    [
        HEY + STOP + DONE,
        HEY + STOP,
        HEY + DONE,
        b": OPENROUTER PROCESSING\n\n" + HEY + b":\n\n" + STOP + DONE,
        (HEY + STOP + DONE).replace(b"data: ", b"data:"),
        (HEY + STOP + DONE).replace(b"\n", b"\r\n"),
        b"event: message\nid: 1\nretry: 5\n" + HEY + STOP + DONE,
        (HEY + STOP + DONE).rstrip(b"\n"),
    ],
    ids=[
        "book",
        "no done",
        "no reason",
        "comments",
        "no space",
        "crlf",
        "other fields",
        "no last blank line",
    ],
)
def test_stream_when_written_loosely_then_heard(client: HttpClient, server: Server, body: bytes) -> None:
    assert answered(client, server, body) == ("completed", "hey")
    assert server.paths == ["/v1/chat/completions"]


@pytest.mark.parametrize("streaming", [True, False])
def test_answer_when_plain_json_then_heard(client: HttpClient, server: Server, streaming: bool) -> None:
    server.kind = "application/json; charset=utf-8"
    choice = {"index": 0, "message": {"role": "assistant", "content": "hey"}, "finish_reason": "stop"}
    body = orjson.dumps({"object": "chat.completion", "choices": [choice]})

    assert answered(client, server, body, streaming=streaming) == ("completed", "hey")
    assert server.asked[0]["stream"] is streaming


def test_stream_when_cut_off_then_no_terminal_event(client: HttpClient, server: Server) -> None:
    server.body = HEY

    events = generate(client, f"http://127.0.0.1:{server.server_port}/v1")

    assert [event["type"] for event in events] == ["response.output_text.delta"]


def test_stream_when_it_breaks_after_the_reason_then_completed_all_the_same(
    client: HttpClient, server: Server
) -> None:
    server.missing = 10

    assert answered(client, server, HEY + STOP) == ("completed", "hey")


def test_stream_when_it_breaks_before_the_reason_then_disconnected(
    client: HttpClient, server: Server
) -> None:
    server.missing = 10

    with pytest.raises(UpstreamError) as caught:
        answered(client, server, HEY)

    assert caught.value.reason == "upstream_disconnected"


def test_error_when_within_the_stream_then_failed(client: HttpClient, server: Server) -> None:
    server.body = HEY + b'data: {"error":{"message":"sk-secret","type":"server_error","code":500}}\n\n'

    with pytest.raises(UpstreamError) as caught:
        generate(client, f"http://127.0.0.1:{server.server_port}/v1")

    assert caught.value.reason == "upstream_error"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("streaming", [True, False])
def test_conversation_when_tools_are_called_then_the_upstream_accepts_their_answers(
    client: HttpClient, upstream: Running, streaming: bool
) -> None:
    url = f"{upstream.url}/v1"
    ask = [{"role": "user", "content": "look for it"}]
    first = assembler()
    run(
        first,
        *generate(client, url, "plain", items=ask, tools=[TOOL], tool_choice="required", streaming=streaming),
    )
    calls = [item for item in output(first) if item["type"] == "function_call"]
    answers = [{"type": "function_call_output", "call_id": c["call_id"], "output": "42"} for c in calls]

    second = assembler()
    run(
        second,
        *generate(
            client, url, "plain", items=[*ask, *output(first), *answers], tools=[TOOL], streaming=streaming
        ),
    )

    assert calls
    assert outcome(second).status == "completed"
    assert "42" in output(second)[0]["content"][0]["text"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("refuse:429", "upstream_rate_limited"),
        ("refuse:503", "upstream_overloaded"),
        ("refuse:401", "upstream_auth"),
        ("refuse:400", "upstream_refused"),
        ("garbage", "upstream_invalid_response"),
        ("reset:2", "upstream_disconnected"),
        ("wrong_content_type", "upstream_invalid_response"),
    ],
)
def test_error_when_the_upstream_fails_then_by_its_kind(
    client: HttpClient, upstream: Running, fault: str, reason: str
) -> None:
    with pytest.raises(UpstreamError) as caught:
        generate(client, f"{upstream.url}/v1", f"mock-n6!fault={fault}")

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "quirks",
    ["null_deltas", "json_answer", "one_chunk", "byte_chunks", "no_usage", "foreign_ids", "reasoning_key"],
)
def test_stream_when_the_upstream_is_peculiar_then_heard(
    client: HttpClient, upstream: Running, quirks: str
) -> None:
    target = assembler()

    run(
        target,
        *generate(client, f"{upstream.url}/v1", f"mock-n6!quirk={quirks}", reasoning={"effort": "low"}),
    )

    assert outcome(target).status == "completed"
    assert [item["type"] for item in output(target)][-1] == "message"


def test_other_calls_when_there_are_none_in_the_dialect_then_not_there(client: HttpClient) -> None:
    provider = ChatCompletions(Provider(dialect="chat_completions", base_url="http://127.0.0.1:9"), client)
    generation, call = Generation("resp_1", 1, "m", {}, "hi"), Call(LIMITS, total_seconds=1)
    provider.discard("up_1")

    for ask in (
        lambda: provider.once("input_tokens", generation, call),
        lambda: provider.retrieve(generation, "up_1", call),
        lambda: list(provider.resume(generation, "up_1", -1, call)),
    ):
        with pytest.raises(UpstreamError) as caught:
            ask()
        assert caught.value.refusal is not None
        assert caught.value.refusal["upstream_status"] == 404
