"""The events of Anthropic's Messages, block by block, and what becomes of them."""

from __future__ import annotations

from typing import Any

from tests.unit.workers.messages_calls import assembled
from workers.assembler import Outcome
from workers.providers.anthropic.deltas import Translator
from workers.providers.anthropic.request import Reading
from workers.providers.anthropic.tools import ANSWER

Event = dict[str, Any]
READING = Reading(answer_tool=ANSWER, custom_tools=frozenset({"patch"}))


def block(index: int, start: Event, *deltas: Event, stop: bool = True) -> list[Event]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        *([{"type": "content_block_stop", "index": index}] if stop else []),
    ]


def text(index: int, *pieces: str) -> list[Event]:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": p} for p in pieces))


def thinking(index: int, *pieces: str, signature: str = "sig") -> list[Event]:
    told = [{"type": "thinking_delta", "thinking": p} for p in pieces]
    signed = [{"type": "signature_delta", "signature": signature}] if signature else []
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *told, *signed)


def tool(index: int, *pieces: str, name: str = "look", stop: bool = True) -> list[Event]:
    start = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
    return block(index, start, *({"type": "input_json_delta", "partial_json": p} for p in pieces), stop=stop)


def opening(**usage: Any) -> Event:
    message = {"type": "message", "model": "claude-x", "content": [], "usage": {"input_tokens": 3, **usage}}
    return {"type": "message_start", "message": message}


def closing(stop_reason: str = "end_turn", **delta: Any) -> list[Event]:
    end = {"stop_reason": stop_reason, "stop_sequence": None, **delta}
    return [
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]


def translated(events: list[Event], reading: Reading = READING) -> list[Event]:
    translator = Translator(reading)
    made = [told for event in events for told in translator.hear(event)]
    return made + translator.end()


def ended(*events: list[Event] | Event, reading: Reading = READING) -> Outcome:
    flat = [e for part in events for e in (part if isinstance(part, list) else [part])]
    outcome = assembled(translated(flat, reading))
    assert outcome is not None
    return outcome
